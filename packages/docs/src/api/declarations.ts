import { join, normalize } from 'node:path/posix'
import ts from 'typescript'

/** Reads a source; `undefined` if there is none. Paths have `/` and begin at the root of the repository. */
export type ReadSource = (path: string) => string | undefined

/** Where a name comes from: a declaration of this repository, or an import of another package. */
export type Origin =
  | { readonly path: string; readonly name: string; readonly nodes: readonly ts.Node[] }
  | { readonly module: string; readonly name: string }

type Export = readonly [name: string, origin: Origin]

interface Link {
  readonly from: string
  readonly name: string
}

interface Module {
  readonly declarations: ReadonlyMap<string, readonly ts.Node[]>
  readonly imports: ReadonlyMap<string, Link>
  readonly exports: ReadonlyMap<string, Link>
  /** What `export *` is of. */
  readonly stars: readonly string[]
}

/** The declarations of modules, as the compiler emits them for each file by itself (`isolatedDeclarations`). */
export class Declarations {
  readonly #read: ReadSource
  readonly #modules = new Map<string, Module>()

  constructor(read: ReadSource) {
    this.#read = read
  }

  /** The exports of a module, by name, in the order of their names. */
  exportsOf(path: string): ReadonlyMap<string, Origin> {
    const { exports, stars } = this.#module(path)
    const named = [...exports].map(([name, link]): Export => [name, this.#follow(path, link)])
    const passedOn = stars.flatMap((from): readonly Export[] => {
      if (from.startsWith('.')) return [...this.exportsOf(normalize(join(path, '..', from)))]
      return [[`* of ${from}`, { module: from, name: '*' }]]
    })
    return new Map([...passedOn, ...named].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  }

  /** What a name means inside a module; `undefined` if it is of the language, or a parameter. */
  find(path: string, name: string): Origin | undefined {
    const { declarations, imports } = this.#module(path)
    const nodes = declarations.get(name)
    if (nodes !== undefined) return { path, name, nodes }
    const link = imports.get(name)
    return link && this.#follow(path, link)
  }

  #follow(path: string, { from, name }: Link): Origin {
    if (from === '') return this.find(path, name) ?? { module: '', name }
    if (!from.startsWith('.')) return { module: from, name }
    const target = normalize(join(path, '..', from))
    if (name === '*') return { module: target, name }
    const next = this.#module(target).exports.get(name)
    if (next !== undefined) return this.#follow(target, next)
    const passedOn = this.exportsOf(target).get(name)
    if (passedOn === undefined) throw new Error(`${target} does not export ${name}`)
    return passedOn
  }

  #module(path: string): Module {
    const known = this.#modules.get(path) ?? readModule(path, this.#read(path))
    this.#modules.set(path, known)
    return known
  }
}

function readModule(path: string, text: string | undefined): Module {
  if (text === undefined) throw new Error(`${path} does not exist`)
  const { outputText, diagnostics = [] } = ts.transpileDeclaration(text, {
    fileName: path,
    reportDiagnostics: true,
    compilerOptions: {
      isolatedDeclarations: true,
      declaration: true,
      target: ts.ScriptTarget.ES2024,
      strict: true,
      stripInternal: true,
    },
  })
  const [fault] = diagnostics
  if (fault !== undefined) {
    throw new Error(`${path}: ${ts.flattenDiagnosticMessageText(fault.messageText, ' ')}`)
  }
  const file = ts.createSourceFile(path, outputText, ts.ScriptTarget.Latest, true)
  const declarations = new Map<string, ts.Node[]>()
  const imports = new Map<string, Link>()
  const exports = new Map<string, Link>()
  const stars: string[] = []
  for (const statement of file.statements) {
    if (ts.isImportDeclaration(statement)) readImport(statement, imports)
    else if (ts.isExportDeclaration(statement)) readExport(statement, exports, stars)
    else readDeclaration(statement, declarations, exports)
  }
  return { declarations, imports, exports, stars }
}

function readImport(statement: ts.ImportDeclaration, imports: Map<string, Link>): void {
  const from = (statement.moduleSpecifier as ts.StringLiteral).text
  const { name, namedBindings } = statement.importClause ?? {}
  if (name !== undefined) imports.set(name.text, { from, name: 'default' })
  if (namedBindings === undefined) return
  if (ts.isNamespaceImport(namedBindings)) {
    imports.set(namedBindings.name.text, { from, name: '*' })
    return
  }
  for (const { name, propertyName } of namedBindings.elements) {
    imports.set(name.text, { from, name: (propertyName ?? name).text })
  }
}

function readExport(
  statement: ts.ExportDeclaration,
  exports: Map<string, Link>,
  stars: string[],
): void {
  const { exportClause, moduleSpecifier } = statement
  const from = moduleSpecifier === undefined ? '' : (moduleSpecifier as ts.StringLiteral).text
  if (exportClause === undefined) {
    stars.push(from)
    return
  }
  if (ts.isNamespaceExport(exportClause)) {
    exports.set(exportClause.name.text, { from, name: '*' })
    return
  }
  for (const { name, propertyName } of exportClause.elements) {
    exports.set(name.text, { from, name: (propertyName ?? name).text })
  }
}

function readDeclaration(
  statement: ts.Statement,
  declarations: Map<string, ts.Node[]>,
  exports: Map<string, Link>,
): void {
  const isExported =
    ts.canHaveModifiers(statement) &&
    (ts.getModifiers(statement) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
  for (const name of namesOf(statement)) {
    declarations.set(name, [...(declarations.get(name) ?? []), statement])
    if (isExported) exports.set(name, { from: '', name })
  }
}

function namesOf(statement: ts.Statement): readonly string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => name.getText())
  }
  const { name } = statement as ts.Statement & { readonly name?: ts.Node }
  return name === undefined ? [] : [name.getText()]
}

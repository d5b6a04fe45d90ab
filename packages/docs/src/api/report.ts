import { join } from 'node:path/posix'
import ts from 'typescript'
import { Declarations } from './declarations.ts'
import type { Origin, ReadSource } from './declarations.ts'

/** The parts of a package.json that users depend on. */
export interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly bin?: Readonly<Record<string, string>>
  readonly engines?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

const printer = ts.createPrinter({ removeComments: true })

/**
 * The public surface of a package as text: its entries with their declarations, the declarations that these reach, and
 * what it asks of the application. Comments are no part of it. `folder`: from the root, such as `packages/core`.
 */
export function reportOf(manifest: Manifest, folder: string, read: ReadSource): string {
  const declarations = new Declarations(read)
  /** By path and name. A report names no files: moving one changes nothing for users. */
  const shown = new Map<string, string>()
  const waiting: Origin[] = []
  const parts = entriesOf(manifest, folder).map(({ name, path }) => {
    const lines = [...declarations.exportsOf(path)].map(([exported, origin]) => {
      waiting.push(origin)
      return lineOf(exported, origin)
    })
    return [`## ${name}`, '', ...lines].join('\n').trimEnd()
  })
  for (let origin = waiting.pop(); origin !== undefined; origin = waiting.pop()) {
    if (!('nodes' in origin)) continue
    const { path, name, nodes } = origin
    const key = `${name} ${path}`
    if (shown.has(key)) continue
    shown.set(key, nodes.map(print).join('\n'))
    for (const used of nodes.flatMap(namesUsed)) {
      const found = declarations.find(path, used)
      if (found !== undefined) waiting.push(found)
    }
  }
  const all = [...shown].map(([key, text]) => `// ${key.split(' ')[0]}\n${text}`).toSorted()
  return `${[`# ${manifest.name}`, asked(manifest), ...parts, '## Declarations', ...all].join('\n\n')}\n`
}

interface Entry {
  readonly name: string
  readonly path: string
}

function entriesOf({ exports = {} }: Manifest, folder: string): readonly Entry[] {
  return Object.entries(exports).flatMap(([entry, target]) => {
    const conditions = typeof target === 'string' ? { '': target } : target
    return Object.entries(conditions)
      .filter(([, file]) => file.endsWith('.ts'))
      .map(([condition, file]) => ({
        name: condition === '' ? entry : `${entry} (${condition})`,
        path: join(folder, file),
      }))
  })
}

function lineOf(exported: string, origin: Origin): string {
  if ('module' in origin) return `${exported} = ${origin.name} of ${origin.module}`
  return origin.name === exported ? exported : `${exported} = ${origin.name}`
}

function print(node: ts.Node): string {
  return printer.printNode(ts.EmitHint.Unspecified, node, node.getSourceFile())
}

/** The names of types and values that a declaration mentions. */
function namesUsed(root: ts.Node): readonly string[] {
  const names: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isTypeReferenceNode(node)) names.push(leftmost(node.typeName))
    else if (ts.isTypeQueryNode(node)) names.push(leftmost(node.exprName))
    else if (ts.isExpressionWithTypeArguments(node)) names.push(node.expression.getText())
    else if (ts.isComputedPropertyName(node)) names.push(node.expression.getText())
    ts.forEachChild(node, visit)
  }
  visit(root)
  return names
}

function leftmost(name: ts.EntityName): string {
  return ts.isIdentifier(name) ? name.text : leftmost(name.left)
}

function asked(manifest: Manifest): string {
  const { bin = {}, engines = {}, dependencies = {}, peerDependencies = {} } = manifest
  const optional = manifest.peerDependenciesMeta ?? {}
  const lines = [
    ...Object.keys(bin).map((name) => `command ${name}`),
    ...Object.entries(engines).map(([name, range]) => `needs ${name} ${range}`),
    ...Object.entries(dependencies).map(([name, range]) => `depends on ${name} ${range}`),
    ...Object.entries(peerDependencies).map(([name, range]) => {
      const how = optional[name]?.optional === true ? 'may use' : 'needs'
      return `${how} ${name} ${range}`
    }),
  ]
  return lines.join('\n')
}

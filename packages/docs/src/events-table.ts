import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const page = join(root, 'packages/docs/pages/operations/events.md')

const begin = '<!-- from the types: npm --prefix packages/docs run events -->\n\n'
const end = '\n\n<!-- end -->'

/** The page with the tables as the types say them now. */
export function withTables(text: string): string {
  const [before = '', rest = ''] = text.split(begin)
  const [, after] = rest.split(end)
  if (after === undefined) throw new Error(`${page} has no place for the tables`)
  return `${before}${begin}${eventsTable()}\n\n${outcomesTable()}${end}${after}`
}

function sourceOf(file: string): ts.SourceFile {
  const path = join(root, 'packages/core/src', file)
  return ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true)
}

function typeOf(source: ts.SourceFile, name: string): ts.TypeAliasDeclaration {
  const found = source.statements.find(
    (each) => ts.isTypeAliasDeclaration(each) && each.name.text === name,
  )
  if (found === undefined) throw new Error(`${source.fileName} has no type ${name}`)
  return found as ts.TypeAliasDeclaration
}

/** One row for each event, in the order of the source: name, members, meaning, whether it is printed by default. */
function eventsTable(): string {
  const source = sourceOf('events.ts')
  const { type } = typeOf(source, 'SessionEvent')
  const printed = printedEvents()
  const rows = (type as ts.UnionTypeNode).types.map((variant) => {
    const members = membersOf(variant as ts.TypeLiteralNode)
    const name = members.get('type')?.replaceAll("'", '') ?? ''
    members.delete('type')
    const shown = [...members].map(([key, values]) => `\`${key}\`${valuesText(values)}`)
    const cells = [
      `\`${name}\``,
      shown.join(', '),
      docOf(source, variant),
      printed.has(name) ? 'yes' : '',
    ]
    return `| ${cells.join(' | ')} |`
  })
  return ['| event | members | means | printed |', '|---|---|---|---|', ...rows].join('\n')
}

/** The type of each member, as it is written. */
function membersOf(variant: ts.TypeLiteralNode): Map<string, string> {
  return new Map(
    variant.members
      .filter(ts.isPropertySignature)
      .map((member) => [
        member.name.getText(),
        (member.type?.getText() ?? '').replaceAll(/\s+/g, ' ').replace(/^\| /, ''),
      ]),
  )
}

/** `: a`, `b` for a union of texts; nothing for other types. */
function valuesText(type: string): string {
  const values = [...type.matchAll(/'([^']+)'/g)].map(([, value]) => `\`${value}\``)
  return values.length === 0 ? '' : `: ${values.join(' ')}`
}

/** The comment directly before a variant. */
function docOf(source: ts.SourceFile, node: ts.Node): string {
  const [comment] = source.text
    .slice(0, node.getStart())
    .match(/\/\*\*(?:(?!\*\/)[\s\S])*\*\/[\s|]*$/) ?? ['']
  return proseOf(comment)
}

function proseOf(comment: string): string {
  return comment
    .replaceAll(/^\s*\/\*\*|\*\/[\s|]*$/g, '')
    .replaceAll(/\n\s*\*\s*/g, ' ')
    .trim()
    .replaceAll('|', '\\|')
}

/** What `print-events.ts` has a case for. */
function printedEvents(): ReadonlySet<string> {
  const { text } = sourceOf('print-events.ts')
  return new Set([...text.matchAll(/case '([\w.-]+)':/g)].map(([, name]) => name as string))
}

/** The outcomes of the event `commit`, from the list in the docstring of the type. */
function outcomesTable(): string {
  const source = sourceOf('rules/next-step.ts')
  const { type, jsDoc } = typeOf(source, 'Outcome') as ts.TypeAliasDeclaration & {
    readonly jsDoc?: readonly ts.JSDoc[]
  }
  const names = [...type.getText().matchAll(/'([\w-]+)'/g)].map(([, name]) => name as string)
  const items = proseOf(jsDoc?.[0]?.getText() ?? '')
    .split(/ - (?=`)/)
    .slice(1)
  const rows = items.map((item) => {
    const [, head = '', means = ''] = /^((?:`[\w-]+`(?:, )?)+): (.*)$/.exec(item) ?? []
    return { head, means }
  })
  const missing = names.filter((name) => !rows.some(({ head }) => head.includes(`\`${name}\``)))
  if (missing.length > 0) throw new Error(`The docstring of Outcome lacks ${missing.join(', ')}`)
  const lines = rows.map(({ head, means }) => `| ${head} | ${means} |`)
  return ['| outcome of `commit` | means |', '|---|---|', ...lines].join('\n')
}

export function readEventsPage(): string {
  return readFileSync(page, 'utf8')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(page, withTables(readEventsPage()))
}

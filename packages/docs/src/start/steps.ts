import { pathOf, splitParts } from '../markdown.ts'
import type { Part } from '../markdown.ts'

/** A line of a shell on a page. */
export interface Command {
  readonly kind: 'command'
  readonly does: Doing
  readonly command: string
  /** Commands that the comment offers in its place: `# or: bun server.mts, or: …`. */
  readonly others: readonly string[]
  /** What the comment says it prints: `# {"user":null}`. */
  readonly prints: string | null
}

/** A program that the reader pastes into a file. */
export interface Paste {
  readonly kind: 'paste'
  readonly path: string
  readonly code: string
  /** The file is there, and the program goes to its head. */
  readonly isAdded: boolean
}

export type Step = Command | Paste

/** `enter` changes the folder; `serve` does not end; `daemon` is a store that goes on by itself. */
export type Doing = 'run' | 'enter' | 'serve' | 'ask' | 'daemon'

const assignments = String.raw`(?:[A-Z_]+=\S+ )*`
const doings: readonly (readonly [Doing, RegExp])[] = [
  ['enter', /^cd [\w-]+$/],
  ['daemon', /^(?:memcached|redis-server|valkey-server) /],
  ['ask', /^curl .*http:\/\/localhost:\d+\//],
  ['serve', new RegExp(`^${assignments}(?:node|bun|deno run) `)],
  [
    'serve',
    new RegExp(`^${assignments}(?:npx (?:next|vite|react-router) dev|npm run dev|npm start)$`),
  ],
  ['run', /^(?:npm (?:install|create|pkg set)|npx|echo) /],
]

/** What a reader does who follows a page, in order. Throws for a line that is none of the known kinds. */
export function stepsOf(page: string): readonly Step[] {
  return splitParts(page).flatMap((part) => (part.kind === 'text' ? [] : stepsOfBlock(part)))
}

function stepsOfBlock({ language, code }: Part & { kind: 'code' }): readonly Step[] {
  if (language === 'sh') return linesOf(code).map(toCommand)
  const path = pathOf(code)
  return path === undefined ? [] : [toPaste(path, code)]
}

function linesOf(code: string): readonly string[] {
  return code.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'))
}

function toCommand(line: string): Command {
  const [, command = '', comment = ''] = /^(.*?)(?:\s+#\s+(.*))?$/.exec(line) ?? []
  const others = [...comment.matchAll(/\bor: ([^,]+)/g)].map(([, other = '']) => other.trim())
  const prints = comment.startsWith('{') ? comment : null
  return { kind: 'command', does: doingOf(command), command, others, prints }
}

function doingOf(command: string): Doing {
  const found = doings.find(([, pattern]) => pattern.test(command))
  if (found === undefined) throw new Error(`Not a command that a page may have: ${command}`)
  return found[0]
}

function toPaste(path: string, code: string): Paste {
  const isAdded = /^.*\(add\)/.test(code)
  return { kind: 'paste', path, code, isAdded }
}

import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join, normalize, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const packages = join(root, 'packages')

/** The rooms of the core, top down. A room imports only from rooms below it. `.` is the files beside them. */
const rooms = [
  'sessions',
  'commit',
  'load',
  'subjects',
  'session',
  'settings',
  'device',
  'http',
  'store',
  'remote',
  'data',
  '.',
  'rules',
  'crypto',
] as const

const entries = [
  'core/src/device-bound.ts',
  'core/src/index.ts',
  'core/src/memory.ts',
  'core/src/remote-stores.ts',
]

interface Source {
  readonly file: string
  readonly text: string
  readonly imports: readonly string[]
}

function readSource(file: string, text: string): Source {
  const imports = [...text.matchAll(/(?:from|import) '([^']+)'/g)].map(
    (match) => match[1] as string,
  )
  return { file, text, imports }
}

function sources(folder: string): readonly Source[] {
  return readdirSync(join(packages, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /(?<!\.test|\.d)\.ts$/.test(file) && !file.includes('node_modules'))
    .map((file) => join(folder, file).split(sep).join('/'))
    .map((file) => readSource(file, readFileSync(join(packages, file), 'utf8')))
}

const core = sources('core/src')
const inRooms = core.filter(({ file }) => !entries.includes(file))

/** The room of a file of the core. */
function roomOf(file: string): string {
  const parts = file.split('/').slice(2)
  return parts.length > 1 ? (parts[0] as string) : '.'
}

/** The files of the core that a file imports. */
function neighbours({ file, imports }: Source): readonly string[] {
  return imports
    .filter((path) => path.startsWith('.'))
    .map((path) =>
      normalize(join(file, '..', path))
        .split(sep)
        .join('/'),
    )
}

/** Imports of a room that is not below the file's own. */
function upwardImports(source: Source): readonly string[] {
  const floor = (file: string): number => (rooms as readonly string[]).indexOf(roomOf(file))
  const own = floor(source.file)
  return neighbours(source)
    .filter((file) => roomOf(file) !== roomOf(source.file))
    .filter((file) => own < 0 || floor(file) <= own)
    .map((file) => `${source.file}: ${file}`)
}

/** What a file of `rules/` does that a pure one does not. */
function impurities({ file, text, imports }: Source): readonly string[] {
  const foreign = imports.filter((path) => !/^\.\/[^/]+$/.test(path))
  const effects =
    text.match(/\b(async|await|Promise|Date\.now|new Date\(|Math\.random|crypto)\b/g) ?? []
  return [...foreign, ...effects].map((what) => `${file}: ${what}`)
}

/** Imports that reach into another package, or from the core to a store or an adapter. */
function trespasses({ file, imports }: Source): readonly string[] {
  const home = file.split('/')[0] as string
  return imports
    .filter((path) => {
      if (/^@coatcheck\/[^/]+\/(src|lib|dist)\b/.test(path)) return true
      if (!path.startsWith('.')) return home === 'core' && path.startsWith('@coatcheck/')
      return relative(home, join(file, '..', path)).startsWith('..')
    })
    .map((path) => `${file}: ${path}`)
}

/** Files outside a room that do what only this room may do. */
function outside(allowed: readonly string[], what: RegExp): readonly string[] {
  return core
    .filter(({ file, text }) => what.test(text) && !allowed.includes(roomOf(file)))
    .map(({ file }) => file)
}

describe('the rooms of the core', () => {
  it('are these, and no other folder', () => {
    const found = new Set(inRooms.map(({ file }) => roomOf(file)))
    expect([...found].toSorted()).toEqual([...rooms].toSorted())
  })

  it('import only from rooms below them', () => {
    expect(inRooms.flatMap(upwardImports)).toEqual([])
  })

  it('rules/ imports nothing, and has no clock, no chance and no await', () => {
    const files = core.filter(({ file }) => roomOf(file) === 'rules')
    expect(files.length).toBeGreaterThan(4)
    expect(files.flatMap(impurities)).toEqual([])
  })

  it('store/ is the only room that calls a store', () => {
    expect(outside(['store'], /\bstore\.(load|create|save|delete)\(/)).toEqual([])
  })

  it('commit/ is the only room that creates or saves the record of a session', () => {
    expect(outside(['commit'], /\brecords\.(create|save)\(/)).toEqual([])
    expect(outside(['commit', 'subjects'], /\brecords\.delete\(/)).toEqual([])
  })

  it('subjects/ is the only room that touches lists', () => {
    expect(outside(['subjects'], /\blists\.(load|create|save|delete)\(/)).toEqual([])
  })

  it('crypto/ alone has cryptography; session/ derives the token for forms', () => {
    expect(outside(['crypto', 'session'], /'#crypto'/)).toEqual([])
  })

  it('these checks would notice', () => {
    const planted = readSource(
      'core/src/rules/lifetime.ts',
      "import { x } from '../store/sealed-store.ts'\nimport '@coatcheck/memcached'\nimport '../../../next/src/y.ts'\nDate.now()",
    )
    expect(impurities(planted)).toHaveLength(4)
    expect(trespasses(planted)).toHaveLength(2)
    expect(upwardImports(planted)).toHaveLength(2)
    const sideways = readSource('core/src/load/x.ts', "import { y } from '../commit/y.ts'")
    expect(upwardImports(sideways)).toEqual(['core/src/load/x.ts: core/src/commit/y.ts'])
    const unknown = readSource('core/src/new-room/x.ts', "import { y } from '../rules/y.ts'")
    expect(upwardImports(unknown)).toHaveLength(1)
  })
})

describe('the packages', () => {
  it('do not reach into each other, and the core knows no store and no adapter', () => {
    const shipped = [
      'core',
      'testing',
      'memcached',
      'valkey',
      'next',
      'sveltekit',
      'remix',
      'node',
      'hono',
      'doctor',
      'opentelemetry',
    ]
      .filter((folder) => existsSync(join(packages, folder, 'src')))
      .flatMap((folder) => sources(`${folder}/src`))
    expect(shipped.length).toBeGreaterThan(core.length)
    expect(shipped.flatMap(trespasses)).toEqual([])
  })

  it('S31: no store has a set', () => {
    const stores = core.filter(({ file }) => file.endsWith('/store.ts'))
    expect(stores.map(({ text }) => /^\s*set\(/m.test(text))).toEqual([false])
  })

  it('S6: nothing shipped uses Math.random or randomUUID', () => {
    const weak = core.filter(({ text }) => /Math\.random|randomUUID/.test(text))
    expect(weak.map(({ file }) => file)).toEqual([])
  })

  it('CVE-2026-39410: no cookie code trims by Unicode', () => {
    const cookie = core.filter(({ file }) => file.endsWith('/cookie.ts'))
    expect(cookie.map(({ text }) => /\.trim|\\s|decodeURI/.test(text))).toEqual([false])
  })
})

describe('ARCHITECTURE.md', () => {
  const page = readFileSync(join(root, '.github/ARCHITECTURE.md'), 'utf8')

  /** The rows of the first table under a heading, without its head. */
  function rowsOf(heading: string): readonly (readonly string[])[] {
    const [, section = ''] = page.split(`## ${heading}\n`)
    const [table = ''] = section.slice(section.indexOf('\n|') + 1).split('\n\n')
    const lines = table.split('\n').filter((line) => line.startsWith('| '))
    return lines.slice(1).map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
  }

  /** What a row says of the code that is not so. */
  function mistakes([name = '', file = '', caller = '']: readonly string[]): readonly string[] {
    const textOf = (path: string): string =>
      core.find((each) => each.file === `core/src/${path}`)?.text ?? ''
    const [called = ''] = codeIn(name)
    const [path = ''] = codeIn(file)
    const isThere = new RegExp(`export (async )?(function|class) ${called}\\b`).test(textOf(path))
    const notCalling = codeIn(caller).filter(
      (each) => !new RegExp(`\\b${called}\\(`).test(textOf(each)),
    )
    return [...(isThere ? [] : [`${path} has no ${called}`]), ...notCalling]
  }

  const codeIn = (cell: string): readonly string[] =>
    [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] as string)

  it('lists the rooms top down, each with the rooms that it imports', () => {
    const imported = (room: string): readonly string[] => {
      const files = inRooms.filter(({ file }) => roomOf(file) === room)
      const others = new Set(files.flatMap(neighbours).map(roomOf))
      return rooms.filter((each) => each !== room && others.has(each))
    }
    const expected = rooms.map((room) => [room, imported(room)])
    const rows = rowsOf('The rooms of the core').map(([name = '', , uses = '']) => [
      codeIn(name)[0]?.replace(/\/$/, ''),
      codeIn(uses).map((each) => each.replace(/\/$/, '')),
    ])
    expect(rows).toEqual(expected)
  })

  it('follows one request by functions that exist, each called by the one it names', () => {
    const rows = rowsOf('One request')
    expect(rows.length).toBeGreaterThan(10)
    expect(rows.flatMap(mistakes)).toEqual([])
    expect(mistakes(['`load`', '`load/gone.ts`', '`sessions/open.ts`'])).toHaveLength(1)
    expect(mistakes(['`load`', '`load/load.ts`', '`http/cookie.ts`'])).toHaveLength(1)
  })

  it('names only files that exist', () => {
    const named = [...page.matchAll(/`([^`\n]+\.ts)`/g)].map((match) => match[1] as string)
    expect(named.length).toBeGreaterThan(30)
    const files = core.map(({ file }) => file)
    const isThere = (path: string): boolean =>
      path.startsWith('packages/')
        ? existsSync(join(root, path))
        : files.some((file) => file.endsWith(`/${path}`))
    const missing = named.filter((each) => !isThere(each))
    expect(missing).toEqual([])
  })
})

it('decisions are numbered without holes, as their titles say', () => {
  const folder = join(root, '.github/decisions')
  const numbers = readdirSync(folder)
    .sort()
    .map((file) => [file.slice(0, 4), readFileSync(join(folder, file), 'utf8').slice(2, 6)])
  const expected = numbers.map((_, at) => String(at + 1).padStart(3, '0'))
  expect(numbers).toEqual(expected.map((number) => [`${number}-`, `${number}:`]))
})

import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { startMemcached } from '@coatcheck/harness/memcached'
import { afterAll, beforeAll, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../../', import.meta.url))
/** Inside this package, so that its imports are found. */
const scratch = fileURLToPath(new URL('../.cache/', import.meta.url))

interface Page {
  readonly file: string
  readonly text: string
}

const pages: readonly Page[] = ['README.md', ...listPages('.github'), ...listPages('packages')].map(
  (file) => ({ file, text: readFileSync(join(root, file), 'utf8') }),
)

function listPages(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory())
      return /node_modules|dist|\.cache|build/.test(entry.name) ? [] : listPages(path)
    return entry.name.endsWith('.md') ? [path] : []
  })
}

function blocks(text: string): readonly string[] {
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => match[1] as string)
}

async function load(name: string, code: string): Promise<Record<string, unknown>> {
  const file = join(scratch, `${name}.ts`)
  writeFileSync(file, code)
  return (await import(pathToFileURL(file).href)) as Record<string, unknown>
}

beforeAll(() => void mkdirSync(scratch, { recursive: true }))
afterAll(() => {
  rmSync(scratch, { recursive: true })
})

it('the first program in the README runs, and answers as its transcript says', async () => {
  const { text } = pages[0] as Page
  const memcached = await startMemcached({ trace: false })
  process.env['MEMCACHE_SERVERS'] = memcached.address
  const code = blocks(text)[0] as string
  delete process.env['SESSION_SECRET']
  await expect(load('secretless', code)).rejects.toThrow('secrets[0]')
  process.env['SESSION_SECRET'] = 'a secret of thirty-two bytes, or so'
  const program = await load('first', code)
  const app = program['default'] as { fetch: (request: Request) => Promise<Response> }
  const first = await app.fetch(new Request('https://localhost/'))
  const cookie = first.headers.get('Set-Cookie') ?? ''
  const transcript = /^Set-Cookie: (.*)$/m.exec(text)?.[1] ?? ''
  const { headers: answered } = first
  expect(text).toContain(
    `Vary: ${answered.get('Vary')}\nCache-Control: ${answered.get('Cache-Control')}\n`,
  )
  const withoutToken = (line: string): string => line.replace(/=[\w-]{43};/, '=TOKEN;')
  expect(withoutToken(cookie)).toBe(withoutToken(transcript))
  expect(await first.text()).toBe('{"cart":["hat"]}')
  const headers = { Cookie: cookie.split(';')[0] as string }
  const second = await app.fetch(new Request('https://localhost/', { headers }))
  expect(await second.text()).toBe('{"cart":["hat","hat"]}')
  expect(second.headers.getSetCookie()).toEqual([])
  await memcached.kill()
})

it("every other program in the README and in the core's can be loaded", async () => {
  const core = pages.find(({ file }) => file === join('packages', 'core', 'README.md')) as Page
  const all = [...blocks((pages[0] as Page).text), ...blocks(core.text)]
  const [, ...others] = all.filter((code) => !code.includes("from 'vitest'"))
  expect(others.length).toBeGreaterThan(5)
  const loaded = await Promise.all(others.map((code, n) => load(`other${n}`, code)))
  expect(loaded).toHaveLength(others.length)
})

it('every path that a page links to exists', () => {
  const broken = pages.flatMap(({ file, text }) =>
    [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#]+)/g)]
      .map((match) => match[1] as string)
      .filter(
        (path) =>
          statSync(join(root, dirname(file), path), { throwIfNoEntry: false }) === undefined,
      )
      .map((path) => `${file}: ${path}`),
  )
  expect(broken).toEqual([])
})

it('every import of ours that a page shows is exported', () => {
  const wrong = pages.flatMap(({ file, text }) =>
    blocks(text)
      .flatMap((code) => [...code.matchAll(/from '(@coatcheck\/[^']+)'/g)])
      .map((match) => match[1] as string)
      .filter((path) => !isExported(path))
      .map((path) => `${file}: ${path}`),
  )
  expect(wrong).toEqual([])
  expect(isExported('@coatcheck/core/nothing')).toBe(false)
})

function isExported(path: string): boolean {
  const [, name, ...rest] = path.split('/')
  const manifest = JSON.parse(
    readFileSync(join(root, 'packages', name as string, 'package.json'), 'utf8'),
  ) as { exports: Record<string, string> }
  return Object.hasOwn(manifest.exports, ['.', ...rest].join('/'))
}

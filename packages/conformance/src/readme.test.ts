import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Sessions } from '@coatcheck/core'
import { startMemcached } from '@coatcheck/harness/memcached'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'

const root = fileURLToPath(new URL('../../../', import.meta.url))
/** Inside this package, so that its imports are found. */
const scratch = fileURLToPath(new URL('../.cache/', import.meta.url))

interface Page {
  readonly file: string
  readonly text: string
}

const folders = ['.github', '.changeset', 'packages']
const pages: readonly Page[] = ['README.md', ...folders.flatMap(listPages)].map((file) => ({
  file,
  text: readFileSync(join(root, file), 'utf8'),
}))

function listPages(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory())
      return /node_modules|dist|\.cache|build/.test(entry.name) ? [] : listPages(path)
    return entry.name.endsWith('.md') ? [path] : []
  })
}

const repository = 'https://github.com/coatcheck/coatcheck/'

/** What the links of a page lead to. */
function targets(text: string): readonly string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] as string)
}

function brokenLinks({ file, text }: Page): readonly string[] {
  const relative = targets(text)
    .filter((target) => !/^(https?:|mailto:)/.test(target))
    .filter((target) => {
      const [path = '', anchor] = target.split('#')
      const found = path === '' ? file : join(dirname(file), path)
      return (
        kindOf(found) === undefined || !hasAnchor(found, anchor, path === '' ? text : undefined)
      )
    })
  return [...relative.map((target) => `${file}: ${target}`), ...brokenUrls(file, text)]
}

/** Addresses of the repository's own files, in links or anywhere else. */
function brokenUrls(file: string, text: string): readonly string[] {
  const pattern =
    /https:\/\/github\.com\/coatcheck\/coatcheck\/(blob|tree)\/main\/([^\s)"'`#]+)(?:#([\w-]+))?/g
  return [...text.matchAll(pattern)]
    .filter(([, kind, path = '', anchor]) => kindOf(path) !== kind || !hasAnchor(path, anchor))
    .map(([address]) => `${file}: ${address}`)
}

/** What GitHub calls a path in its addresses. */
function kindOf(path: string): 'blob' | 'tree' | undefined {
  const found = statSync(join(root, path), { throwIfNoEntry: false })
  return found && (found.isDirectory() ? 'tree' : 'blob')
}

function hasAnchor(path: string, anchor: string | undefined, text = ''): boolean {
  if (anchor === undefined || !path.endsWith('.md')) return true
  const headings = (text || readFileSync(join(root, path), 'utf8')).matchAll(/^#+ (.*)$/gm)
  return [...headings].some(([, heading = '']) => slug(heading) === anchor)
}

/** A heading's anchor, as GitHub makes it. */
function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-')
}

/** The manifests of the packages that are published. */
function manifests(): readonly Page[] {
  return readdirSync(join(root, 'packages'))
    .map((folder) => join('packages', folder, 'package.json'))
    .filter((file) => kindOf(file) !== undefined)
    .map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }))
    .filter(({ text }) => (JSON.parse(text) as { private?: boolean }).private !== true)
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

it("the README's sessions in memcached need a secret, and answer with the cookie that it shows", async () => {
  const { text } = pages[0] as Page
  const memcached = await startMemcached({ trace: false })
  process.env['MEMCACHE_SERVERS'] = memcached.address
  const code = blocks(text)[1] as string
  delete process.env['SESSION_SECRETS']
  await expect(load('secretless', code)).rejects.toThrow('secrets[0]')
  process.env['SESSION_SECRETS'] = 'a secret of thirty-two bytes and more'
  vi.stubEnv('NODE_ENV', 'production')
  const { sessions } = (await load('first', code)) as { sessions: Sessions<{ cart?: object }> }
  vi.unstubAllEnvs()
  const fetch = sessions.fetch(async (_request, session) => {
    const { data } = await session.get()
    data.cart ??= { hat: 1 }
    return Response.json(data.cart)
  })
  const first = await fetch(new Request('https://localhost/'))
  const cookie = first.headers.get('Set-Cookie') ?? ''
  const transcript = /^Set-Cookie: (__Host.*)$/m.exec(text)?.[1] ?? ''
  const withoutToken = (line: string): string => line.replace(/=[\w-]{43};/, '=TOKEN;')
  expect(withoutToken(cookie)).toBe(withoutToken(transcript))
  expect(await first.text()).toBe('{"hat":1}')
  const headers = { Cookie: cookie.split(';')[0] as string }
  const second = await fetch(new Request('https://localhost/', { headers }))
  expect(await second.text()).toBe('{"hat":1}')
  expect(second.headers.getSetCookie()).toEqual([])
  await memcached.kill()
})

it("every other program in the README and in the core's can be loaded", async () => {
  const core = pages.find(({ file }) => file === join('packages', 'core', 'README.md')) as Page
  const all = [...blocks((pages[0] as Page).text), ...blocks(core.text)]
  // The first program serves: packages/docs runs it.
  const [, ...others] = all.filter((code) => !code.includes("from 'vitest'"))
  expect(others.length).toBeGreaterThan(5)
  const loaded = await Promise.all(others.map((code, n) => load(`other${n}`, code)))
  expect(loaded).toHaveLength(others.length)
})

it('the programs of a README are in the guide beside it, where they are tested', () => {
  const guides = pages.filter(({ file }) => file.endsWith('/GUIDE.md'))
  expect(guides.length).toBeGreaterThanOrEqual(3)
  const missing = guides.flatMap(({ file, text }) => {
    const readme = readFileSync(join(root, dirname(file), 'README.md'), 'utf8')
    const programs = readme.match(/^```(?:tsx?|svelte)\n[\s\S]*?^```$/gm) ?? []
    expect(programs.length).toBeGreaterThan(0)
    return programs.filter((program) => !text.includes(program)).map((program) => file + program)
  })
  expect(missing).toEqual([])
})

it('every path that a page links to exists, in the checkout and on GitHub', () => {
  expect(pages.flatMap(brokenLinks)).toEqual([])
  expect(manifests().flatMap(({ file, text }) => brokenUrls(file, text))).toEqual([])
})

it('a README or changelog on npm links with addresses that work there', () => {
  const shipped = manifests().map(({ file }) => dirname(file))
  const relative = pages
    .filter(({ file }) => shipped.includes(dirname(file)) && /(README|CHANGELOG)\.md$/.test(file))
    .flatMap(({ file, text }) => targets(text).map((target) => `${file}: ${target}`))
    .filter((link) => !/: (https:|#)/.test(link))
  expect(shipped).toHaveLength(11)
  expect(relative).toEqual([])
})

it('a broken link would be noticed', () => {
  const page = (target: string): readonly string[] =>
    brokenLinks({ file: 'packages/core/README.md', text: `# The Page!\n[see](${target})` })
  const sound = ['#the-page', '../../LICENSE', `${repository}blob/main/LICENSE`]
  const soundToo = [
    `${repository}tree/main/packages`,
    `${repository}issues`,
    'https://example.com/x',
  ]
  expect([...sound, ...soundToo].flatMap(page)).toEqual([])
  const broken = [
    '#the-pages',
    '../LICENSE',
    '../../README.md#nothing',
    `${repository}blob/main/packages`,
  ]
  const brokenToo = ['blob/main/LICENCE', 'tree/main/LICENSE', 'blob/main/README.md#nothing']
  const all = [...broken, ...brokenToo.map((path) => repository + path)]
  expect(all.flatMap(page)).toEqual(all.map((target) => `packages/core/README.md: ${target}`))
})

it('every import of ours that a page shows is exported', () => {
  // A changelog shows what an import was before.
  const current = pages.filter(({ file }) => !/CHANGELOG\.md$|^\.changeset/.test(file))
  const wrong = current.flatMap(({ file, text }) =>
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

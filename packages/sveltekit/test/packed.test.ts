import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { commandCount, startMemcached } from '@coatcheck/harness/memcached'
import type { RunningExample } from '@coatcheck/harness/example-suite'
import { exampleProcess } from '@coatcheck/harness/example-suite'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from './app.ts'
import type { Visitor } from './visitor.ts'
import { createVisitor } from './visitor.ts'

const packages = fileURLToPath(new URL('../..', import.meta.url))
const readme = readFileSync(new URL('../GUIDE.md', import.meta.url), 'utf8')

const manifest = {
  name: 'fresh',
  private: true,
  type: 'module',
  devDependencies: {
    '@sveltejs/adapter-node': '6.0.1',
    '@sveltejs/kit': '3.2.0',
    '@sveltejs/vite-plugin-svelte': '7.3.1',
    '@types/node': '24.19.2',
    svelte: '5.57.3',
    'svelte-check': '4.7.8',
    typescript: '6.0.3',
    vite: '8.3.8',
  },
}

/** Files that the guide presupposes. */
const files: Readonly<Record<string, string>> = {
  'vite.config.ts': `import adapter from '@sveltejs/adapter-node'
import { sveltekit } from '@sveltejs/kit/vite'
import { defineConfig } from 'vite'
export default defineConfig({
  plugins: [sveltekit({ adapter: adapter(), experimental: { remoteFunctions: true } })],
})
`,
  'tsconfig.json':
    '{ "extends": "$app/tsconfig", "compilerOptions": { "strict": true, "types": ["$app/types", "node"] }, "include": ["src", "*"] }',
  'src/app.html':
    '<!doctype html><html lang="en"><head>%sveltekit.head%</head><body>%sveltekit.body%</body></html>',
  'src/routes/report/+page.svelte': `<script lang="ts">
  const { data } = $props()
</script>
{#await data.report then report}<p>{report}</p>{/await}
`,
  'src/routes/public/+page.svelte': '<p>public</p>\n',
  // Not run: svelte-check fails if one of these is not an error.
  'src/lib/server/mistakes.ts': `import { commit, getSession, saveLate } from '@coatcheck/sveltekit'
import type { RequestEvent } from '@sveltejs/kit'

export async function mistakes(event: RequestEvent) {
  const session = await getSession(event)
  const visits: number | undefined = session.data.visits
  // @ts-expect-error: a text is not a number
  session.data.visits = 'one'
  // @ts-expect-error: no such key
  session.data.visit
  // @ts-expect-error: the object cannot be replaced
  session.data = {}
  // @ts-expect-error: the subject is set with signIn
  session.subject = 'ada'
  // @ts-expect-error: the type holds for a late change too
  await saveLate(event, (data) => void (data.visits = 'one'))
  // @ts-expect-error: it must be awaited
  getSession(event).data
  // @ts-expect-error: getSession gives the session
  event.locals.session.data
  const { outcome, failure } = await commit(event)
  // @ts-expect-error: no outcome of that name
  if (outcome === 'done') return visits
  // @ts-expect-error: it may be null
  return failure.asked
}
`,
}

/** Matches code blocks that name their file. */
const block = /^```(?:ts|svelte)\n(?:\/\/|<!--) (src\/\S+).*\n([\s\S]*?)^```$/gm

/** Matches links to files of the repository, as they work on npm too. */
const repositoryLink =
  /\]\(https:\/\/github\.com\/coatcheck\/coatcheck\/(?:blob|tree)\/main\/([^)#]+)\)/g

/** The guide's code; two blocks of one file follow each other. */
function blocksOf(markdown: string): ReadonlyMap<string, string> {
  const blocks = new Map<string, string>()
  for (const [, path = '', code = ''] of markdown.matchAll(block)) {
    blocks.set(path, (blocks.get(path) ?? '') + code)
  }
  return blocks
}

describe('the packed tarballs, in a new application made from the guide', () => {
  let folder = ''
  let memcached: MemcachedProcess | undefined
  let running: RunningExample | undefined

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'coatcheck-sveltekit-'))
    const names = ['core', 'memcached', 'sveltekit']
    run(join(packages, '../node_modules/.bin/tsc'), ['-b', ...names], packages)
    const tarballs = names.map((name) => pack(name))
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
    run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...tarballs], folder)
    for (const [path, text] of [...Object.entries(files), ...blocksOf(readme)]) write(path, text)
    run('node_modules/.bin/vite', ['build'], folder)
    memcached = await startMemcached()
    const start = exampleProcess({ command: [process.execPath, 'build'], cwd: folder })
    running = await start({
      MEMCACHE_SERVERS: memcached.address,
      NODE_ENV: 'production',
      PROTOCOL_HEADER: 'x-forwarded-proto',
      SESSION_SECRETS: 'a secret that is long enough for this test',
    })
  })

  afterAll(async () => {
    await running?.stop()
    await memcached?.kill()
    rmSync(folder, { recursive: true, force: true })
  })

  /** The path of the tarball. */
  function pack(name: string): string {
    const said = run(
      'npx',
      ['-y', '--prefer-offline', 'pnpm@12.21.0', 'pack', '--pack-destination', folder, '--json'],
      join(packages, name),
    )
    return join(folder, (JSON.parse(said) as { filename: string }).filename.split('/').at(-1) ?? '')
  }

  function write(path: string, text: string): void {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }

  const visitor = (): Visitor => createVisitor(running?.url ?? '')

  it('contain what they need, and no tests', () => {
    expect(run('npm', ['ls', '--all', '--parseable'], folder)).toContain('@coatcheck/sveltekit')
    const installed = join(folder, 'node_modules/@coatcheck/sveltekit')
    const inside = readdirSync(installed, { recursive: true, encoding: 'utf8' })
    expect(inside).toEqual(
      expect.arrayContaining(['README.md', 'dist/index.js', 'dist/index.d.ts']),
    )
    expect(inside.filter((path) => /test|fixtures/.test(path))).toEqual([])
  })

  it('the guide’s code passes svelte-check, which knows what is in a session', () => {
    run('node_modules/.bin/svelte-kit', ['sync'], folder)
    expect(run('node_modules/.bin/svelte-check', [], folder)).toMatch(/0 errors/)
  }, 300_000)

  it('sign in, count a visit, and sign out, over the store', async () => {
    const ada = visitor()
    const login = await ada.post('/?/login', {})
    expect(login.status).toBe(400)
    expect((await ada.post('/?/login', {}, { user: 'ada' })).status).toBe(303)
    expect(JSON.parse((await ada.post('/api/visits')).text)).toEqual({ outcome: 'saved' })
    const { text } = await ada.get('/')
    expect(text).toContain('ada, 1 visits')
    const old = ada.copy()
    expect((await ada.post('/?/logout')).status).toBe(303)
    const { text: after } = await old.get('/')
    expect(after).toContain('Sign in')
    expect(after).not.toContain('ada')
  })

  it('save late, after the response', async () => {
    const ada = visitor()
    await ada.post('/?/login', {}, { user: 'ada' })
    await ada.get('/report')
    expect((await ada.get('/')).text).toContain('ada, 1 visits')
  })

  it('read with one command, and with two in one trip for a visitor who is signed in', async () => {
    const guest = visitor()
    await guest.post('/api/visits')
    const ada = visitor()
    await ada.post('/?/login', {}, { user: 'ada' })
    const counts = []
    for (const client of [guest, ada]) {
      const before = await memcached!.commands()
      await client.get('/')
      counts.push(commandCount(before, await memcached!.commands()))
    }
    expect(counts).toEqual([1, 2])
  })

  it('answer a sign-in and a sign-out that was not done with 503', async () => {
    const ada = visitor()
    await ada.post('/?/login', {}, { user: 'ada' })
    await memcached!.stop()
    expect((await ada.get('/')).status).toBe(503)
    for (const path of ['/?/login', '/?/logout']) {
      const { status, headers, cookies } = await ada.post(path, {}, { user: 'ada' })
      expect([path, status, headers.get('Retry-After'), cookies]).toEqual([path, 503, '5', []])
    }
  })
})

describe('the guide', () => {
  it('names a file for each of its code blocks, and files that exist for its links', () => {
    const fences = [...readme.matchAll(/^```(?:ts|svelte)$/gm)]
    expect([...readme.matchAll(block)]).toHaveLength(fences.length)
    const links = [...readme.matchAll(repositoryLink)].map(([, path = '']) => path)
    expect(links.length).toBeGreaterThan(2)
    const missing = links.filter((path) => !existsSync(join(packages, '..', path)))
    expect(missing).toEqual([])
  })
})

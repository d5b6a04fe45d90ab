import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { build, starter } from './apps.ts'
import { usePlaces } from './places.ts'

const packages = fileURLToPath(new URL('../..', import.meta.url))
const root = join(packages, '..')

describe('the packed tarballs in a fresh app with TypeScript', () => {
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-next-'))
  const app = { folder, next: join(folder, 'node_modules/next/dist/bin/next') }

  beforeAll(async () => {
    run(root, join(root, 'node_modules/.bin/tsc'), '-b', 'packages/memcached', 'packages/next')
    const tarballs = join(folder, 'tarballs')
    for (const name of ['core', 'memcached', 'next']) {
      run(join(packages, name), 'npx', '-y', 'pnpm@12.21.0', 'pack', '--pack-destination', tarballs)
    }
    const fresh = fileURLToPath(new URL('../fixtures/fresh', import.meta.url))
    for (const part of ['app', 'lib', 'pages', 'proxy.ts']) {
      cpSync(join(fresh, part), join(folder, part), { recursive: true })
    }
    writeFileSync(join(folder, 'package.json'), '{ "private": true }')
    const ours = readdirSync(tarballs).map((file) => join(tarballs, file))
    run(
      folder,
      'npm',
      'install',
      '--no-audit',
      '--no-fund',
      '--prefer-offline',
      ...ours,
      ...theirs(),
    )
    await build(app)
  }, 300_000)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const places = usePlaces(() => starter(app))

  it('keeps one session over App Router, Pages Router and proxy', async () => {
    const visitor = places.visitor()
    const added = await visitor.send('POST', '/api/cart', { body: 'hat' })
    expect(added.found).toEqual(['hat'])
    expect(added.tickets).toHaveLength(1)
    expect((await visitor.post('/api/basket?item=scarf')).found).toEqual(['hat', 'scarf'])
    expect((await visitor.get('/cart')).text).toContain('<p id="cart">hat, scarf</p>')
    expect((await visitor.get('/')).text).toContain('<p id="cart">hat, scarf</p>')
  })

  it('logs in and out by server actions, guarded by the proxy, in 1 trip for each page', async () => {
    const visitor = places.visitor()
    expect((await visitor.get('/account')).headers.get('Location')).toBe('/')
    expect((await visitor.press('/', 'Log in')).headers.get('Location')).toBe('/account')
    const [commands, account] = await places.count(() => visitor.get('/account'))
    expect(account.text).toContain('Signed in as')
    // The session, and the subject's list of sessions, sent together.
    expect(commands).toBe(2)
    await visitor.press('/account', 'Log out')
    expect(visitor.cookies.size).toBe(0)
    expect((await visitor.get('/account')).headers.get('Location')).toBe('/')
  })

  it('saves after the response', async () => {
    const visitor = places.visitor()
    await visitor.send('POST', '/api/cart', { body: 'hat' })
    await visitor.get('/late')
    await expect.poll(async () => (await visitor.get('/late')).text).toMatch(/id="visits">[1-9]/)
  })
})

/** As `npm install next react …` would, with the versions of this package. */
function theirs(): string[] {
  const require = createRequire(import.meta.url)
  const names = ['next', 'react', 'react-dom', '@types/react', '@types/react-dom', '@types/node']
  const versions = names.map((name) => {
    const { version } = require(`${name}/package.json`) as { version: string }
    return `${name}@${version}`
  })
  return [...versions, 'typescript@6.0.3']
}

function run(cwd: string, command: string, ...args: string[]): void {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')}:\n${stdout}${stderr}${error?.message ?? ''}`)
}

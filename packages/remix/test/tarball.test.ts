import { exampleProcess } from '@coatcheck/harness/example-suite'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'coatcheck-remix-'))
/** npm installs about 600 packages for Remix 2, and may have to download them. */
const timeout = 900_000
const tarballs = new Map<string, string>()

beforeAll(async () => {
  const names = ['core', 'memcached', 'valkey', 'remix']
  await run(root, 'node_modules/.bin/tsc', '-b', ...names.map((name) => `packages/${name}`))
  for (const name of names) tarballs.set(`@coatcheck/${name}`, `file:${await pack(name)}`)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Asynchronous, because npm takes minutes and vitest has to reach this process meanwhile. */
async function run(cwd: string, command: string, ...args: string[]): Promise<void> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  const said: string[] = []
  child.stdout.on('data', (chunk) => said.push(String(chunk)))
  child.stderr.on('data', (chunk) => said.push(String(chunk)))
  const [status] = (await once(child, 'close')) as [number | null]
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${said.join('')}`)
}

/** Packs a package as for npm, and returns the path of the tarball. */
async function pack(name: string): Promise<string> {
  const target = mkdtempSync(join(folder, 'pack-'))
  const cwd = join(root, 'packages', name)
  await run(
    cwd,
    'npx',
    '-y',
    '--prefer-offline',
    'pnpm@12.21.0',
    'pack',
    '--pack-destination',
    target,
  )
  return join(target, readdirSync(target)[0] ?? '')
}

interface Manifest {
  dependencies: Record<string, string>
  devDependencies: Record<string, string>
}

interface Fresh {
  /** The folder of the application. */
  readonly cwd: string
  /** A program that npm has installed. */
  readonly bin: (name: string) => string
}

const example = 'packages/examples/react-router'

/**
 * Copies an application, with the code of the example that it shares, to an empty folder, where npm installs its
 * dependencies, and Coatcheck's packages from tarballs.
 */
async function install(path: string): Promise<Fresh> {
  const home = mkdtempSync(join(folder, 'app-'))
  for (const part of [`${example}/app`, `${example}/public`, path]) {
    mkdirSync(join(home, part), { recursive: true })
    cpSync(join(root, part), join(home, part), {
      recursive: true,
      dereference: true,
      filter: isSource,
    })
  }
  writeFileSync(join(home, 'tsconfig.json'), '{ "compilerOptions": { "jsx": "react-jsx" } }')
  const manifest = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8')) as Manifest
  for (const [name, tarball] of tarballs) manifest.dependencies[name] = tarball
  delete manifest.devDependencies['@coatcheck/harness']
  delete manifest.devDependencies['@types/node']
  for (const place of [home, join(home, path)]) {
    writeFileSync(join(place, 'package.json'), JSON.stringify(manifest))
  }
  await run(home, 'npm', 'install', '--prefer-offline', '--no-audit', '--no-fund')
  return { cwd: join(home, path), bin: (name) => join(home, 'node_modules/.bin', name) }
}

function isSource(path: string): boolean {
  return !/\/(node_modules|build|test|\.react-router)$/.test(path)
}

async function expectAnswers(cwd: string, ...command: [string, ...string[]]): Promise<void> {
  const start = exampleProcess({ command, cwd })
  const { url, stop } = await start({ NODE_ENV: 'production' })
  const response = await fetch(`${url}/api/increment?key=visits`, { method: 'POST' })
  expect(await response.json()).toEqual({ state: 'new', data: { visits: 1 } })
  const [cookie = ''] = response.headers.getSetCookie()
  expect(cookie).toMatch(/^__Host-Http-sid=/)
  const page = await fetch(url, { headers: { Cookie: cookie.split(';')[0] ?? '' } })
  expect(await page.text()).toContain('id="visits">1<')
  expect(await stop()).toBe(0)
}

it(
  'React Router 8: npm installs the tarballs, and the application builds and answers',
  { timeout },
  async () => {
    const { cwd, bin } = await install(example)
    await run(cwd, bin('react-router'), 'build')
    const built = readFileSync(join(cwd, 'build/server/index.js'), 'utf8')
    expect(built).toContain('from "@coatcheck/remix"')
    await expectAnswers(cwd, bin('react-router-serve'), './build/server/index.js')
  },
)

it(
  'React Router 7: npm installs the tarballs, and the application builds and answers',
  { timeout },
  async () => {
    const { cwd, bin } = await install('packages/remix/fixtures/react-router-7')
    await run(cwd, bin('react-router'), 'build')
    await expectAnswers(cwd, bin('react-router-serve'), './build/server/index.js')
  },
)

it(
  'Remix 2: npm installs the tarballs, and the application builds and answers',
  { timeout },
  async () => {
    const { cwd, bin } = await install('packages/remix/fixtures/remix-2')
    await run(cwd, bin('remix'), 'vite:build')
    await expectAnswers(cwd, 'node', 'server.ts')
  },
)

it('Remix 3: npm installs the tarballs, and the application answers', { timeout }, async () => {
  const { cwd } = await install('packages/remix/fixtures/remix-3')
  await expectAnswers(cwd, 'node', 'server.ts')
})

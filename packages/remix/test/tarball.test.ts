import { exampleProcess } from '@coatcheck/testkit/example-suite'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const example = join(root, 'packages/examples/react-router')
const folder = mkdtempSync(join(tmpdir(), 'coatcheck-remix-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function run(cwd: string, command: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`)
  return stdout
}

/** As npm would get it. Gives the path of the tarball. */
function pack(name: string): string {
  const target = mkdtempSync(join(folder, 'pack-'))
  const cwd = join(root, 'packages', name)
  run(cwd, 'npx', '-y', 'pnpm@12.21.0', 'pack', '--pack-destination', target)
  return join(target, readdirSync(target)[0] ?? '')
}

interface Manifest {
  dependencies: Record<string, string>
  devDependencies: Record<string, string>
}

it('the example is installed by npm from tarballs, built, and answers', { timeout: 240_000 }, async () => {
  const packages = ['core', 'memcached', 'remix']
  run(root, 'node_modules/.bin/tsc', '-b', ...packages.map((name) => `packages/${name}`))
  const app = join(folder, 'app')
  for (const name of ['app', 'public', 'react-router.config.ts', 'vite.config.ts', 'package.json']) {
    cpSync(join(example, name), join(app, name), { recursive: true })
  }
  const manifest = JSON.parse(readFileSync(join(app, 'package.json'), 'utf8')) as Manifest
  for (const name of packages) manifest.dependencies[`@coatcheck/${name}`] = `file:${pack(name)}`
  delete manifest.devDependencies['@coatcheck/testkit']
  delete manifest.devDependencies['@types/node']
  writeFileSync(join(app, 'package.json'), JSON.stringify(manifest))
  run(app, 'npm', 'install', '--prefer-offline', '--no-audit', '--no-fund')
  run(app, 'npm', 'run', 'build')
  const built = readFileSync(join(app, 'build/server/index.js'), 'utf8')
  expect(built).toContain('from "@coatcheck/remix"')

  const start = exampleProcess({
    command: ['node', 'node_modules/@react-router/serve/bin.cjs', './build/server/index.js'],
    cwd: app,
  })
  const { url, stop } = await start({ EXPLAIN: '1' })
  const response = await fetch(`${url}/api/increment?key=visits`, { method: 'POST' })
  expect(await response.json()).toEqual({ state: 'new', data: { visits: 1 } })
  const [cookie = ''] = response.headers.getSetCookie()
  expect(cookie).toMatch(/^__Host-Http-sid=/)
  const page = await fetch(url, { headers: { Cookie: cookie.split(';')[0] ?? '' } })
  expect(await page.text()).toContain('<dd id="visits">1</dd>')
  expect(await stop()).toBe(0)
})

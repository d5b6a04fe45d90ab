import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { App } from './apps.ts'

const home = fileURLToPath(new URL('..', import.meta.url))
const packages = join(home, '..')
const root = join(packages, '..')

/** A path, and what the guide shows of that file. */
type Block = readonly [path: string, code: string]

/** The files that the guide shows. */
export function readmeFiles(): readonly Block[] {
  const readme = readFileSync(join(home, 'GUIDE.md'), 'utf8')
  const blocks = [...readme.matchAll(/```tsx?\n\/\/ (\S+)\n([\s\S]*?)```/g)]
  return blocks.map(([, path = '', code = '']) => [path, code])
}

/**
 * An app as create-next-app makes it, with the packages as they are published and the files of the guide pasted.
 * `--empty`, because the other template loads a font from the network while it is built.
 */
export function createApp(): App {
  const parent = mkdtempSync(join(tmpdir(), 'coatcheck-next-'))
  const folder = join(parent, 'app')
  const options = ['--yes', '--empty', '--use-npm', '--skip-install', '--disable-git']
  run(parent, 'npx', '-y', 'create-next-app@16.4.3', folder, ...options)
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline']
  run(folder, 'npm', 'install', ...quiet, ...pack(join(parent, 'tarballs')))
  for (const [path, code] of readmeFiles()) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), code)
  }
  // What a test asks for until the server answers.
  cpSync(join(home, 'fixtures/fresh/app/public'), join(folder, 'app/public'), { recursive: true })
  return { folder, next: join(folder, 'node_modules/next/dist/bin/next') }
}

function pack(folder: string): string[] {
  run(root, join(root, 'node_modules/.bin/tsc'), '-b', 'packages/memcached', 'packages/next')
  for (const name of ['core', 'memcached', 'node', 'next']) {
    const pnpm = ['-y', '--prefer-offline', 'pnpm@12.21.0', 'pack', '--pack-destination', folder]
    run(join(packages, name), 'npx', ...pnpm)
  }
  return readdirSync(folder).map((file) => join(folder, file))
}

function run(cwd: string, command: string, ...args: string[]): void {
  // create-next-app keeps its answers of last time there.
  const env = { ...process.env, XDG_CONFIG_HOME: join(cwd, '.config') }
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, encoding: 'utf8' })
  if (status === 0) return
  const said = `${stdout}${stderr}${error?.message ?? ''}`
  throw new Error(`${command} ${args.join(' ')}:\n${said}`)
}

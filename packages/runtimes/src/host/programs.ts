import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const home = fileURLToPath(new URL('../..', import.meta.url))
const cache = join(home, '.cache')
const system = `${process.platform}-${process.arch}`

/** The exact versions, as packages of npm for this system. Node 24 is the one that runs the tests. */
const packages = {
  node20: `npm:node-${system}@20.20.2`,
  node22: `npm:node-${system}@22.23.3`,
  node26: `npm:node-${system}@26.10.0`,
  [`@oven/bun-${system}`]: '1.4.5',
  [denoPackage()]: '2.9.6',
  [workerdPackage()]: '1.20261117.1',
  '@edge-runtime/vm': '5.0.0',
}

/** The newest one that takes these options. Its own workerd is older, so it is told another by a variable. */
const miniflare = { miniflare: '4.20260730.0' }

function denoPackage(): string {
  return `@deno/${system}${process.platform === 'linux' ? '-glibc' : ''}`
}

function workerdPackage(): string {
  const architecture = process.arch === 'x64' ? '64' : process.arch
  return `@cloudflare/workerd-${process.platform}-${architecture}`
}

/** The runtimes, installed. */
export interface Programs {
  readonly node20: string
  readonly node22: string
  readonly node24: string
  readonly node26: string
  readonly bun: string
  readonly deno: string
  readonly workerd: string
  /** The files to import. */
  readonly edgeVm: string
  readonly miniflare: string
  /** The version of an installed package. */
  readonly versionOf: (name: 'edge' | 'workerd') => string
}

/** Installs what is not there. Throws if npm cannot. */
export function installPrograms(): Programs {
  const folder = install('programs', packages)
  const simulator = install('miniflare', miniflare)
  const program = (...path: readonly string[]): string => {
    const file = join(folder, 'node_modules', ...path)
    if (!existsSync(file)) throw new Error(`${file} was not installed for ${system}`)
    return file
  }
  return {
    node20: program('node20', 'bin', 'node'),
    node22: program('node22', 'bin', 'node'),
    node24: process.execPath,
    node26: program('node26', 'bin', 'node'),
    bun: program(`@oven/bun-${system}`, 'bin', 'bun'),
    deno: program(denoPackage(), 'deno'),
    workerd: program(workerdPackage(), 'bin', 'workerd'),
    edgeVm: resolve(folder, '@edge-runtime/vm'),
    miniflare: resolve(simulator, 'miniflare'),
    versionOf: (name) =>
      name === 'edge' ? packages['@edge-runtime/vm'] : packages[workerdPackage()]!,
  }
}

function resolve(folder: string, name: string): string {
  return pathToFileURL(createRequire(join(folder, 'package.json')).resolve(name)).href
}

/** Each in a folder of its own: npm would take the other one's workerd. */
function install(name: string, dependencies: Readonly<Record<string, string>>): string {
  const folder = join(cache, name)
  const manifest = join(folder, 'package.json')
  const done = join(folder, 'node_modules', '.done')
  const text = `${JSON.stringify({ private: true, dependencies }, null, 2)}\n`
  if (existsSync(done) && readFileSync(done, 'utf8') === text) return folder
  mkdirSync(folder, { recursive: true })
  writeFileSync(manifest, text)
  npmInstall(folder)
  writeFileSync(done, text)
  return folder
}

export function npmInstall(folder: string, ...more: readonly string[]): void {
  const quiet = ['--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts']
  run(folder, 'npm', 'install', ...quiet, '--prefer-offline', ...more)
}

export function run(cwd: string, command: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (status === 0) return stdout
  throw new Error(`${command} ${args.join(' ')}:\n${stdout}${stderr}${error?.message ?? ''}`)
}

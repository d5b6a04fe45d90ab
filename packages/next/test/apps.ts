import type { ExampleEnv, StartExample } from '@coatcheck/harness/example-suite'
import { exampleProcess } from '@coatcheck/harness/example-suite'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const home = fileURLToPath(new URL('..', import.meta.url))

/** Where the versions of Next.js are installed. An app is copied below, to be built with it. */
const homes = { 15: join(home, 'fixtures/next-15'), 16: home }

export type Version = keyof typeof homes

export interface App {
  readonly folder: string
  readonly next: string
}

/**
 * A fresh copy of an app, for a version. Under 15, the proxy is a middleware. Test files run side by side: one that copies
 * an app which another copies too gives its copy a name.
 */
export function copyApp(source: string, version: Version, name = source): App {
  const folder = join(homes[version], '.cache', name.replaceAll(/\W+/g, '-'))
  const from = join(home, source)
  rmSync(folder, { recursive: true, force: true })
  cpSync(from, folder, { recursive: true, filter: (path) => !isLeftOut(relative(from, path)) })
  if (version === 15 && existsSync(join(folder, 'proxy.ts'))) {
    cpSync(join(homes[15], 'middleware.ts'), join(folder, 'middleware.ts'))
  }
  if (version === 16) link(home, join(folder, 'node_modules/@coatcheck/next'))
  writeFileSync(join(folder, 'tsconfig.json'), tsconfigFor(version))
  return { folder, next: join(homes[version], 'node_modules/next/dist/bin/next') }
}

/** The package cannot find itself. */
function link(target: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true })
  symlinkSync(target, path)
}

function isLeftOut(path: string): boolean {
  return /^(node_modules|\.next|\.cache|test|.*tsbuildinfo)(\/|$)/.test(path)
}

/**
 * In this repository the adapter has one version of its own; installed from npm, it has the app's. So an app of
 * 15 is told to check against its own types. Turbopack, which builds 16, would take them for the code.
 */
const typesOf = {
  15: { 'next/server.js': ['../../node_modules/next/server.d.ts'] },
  16: {},
}

const tsconfigFor = (version: Version): string =>
  JSON.stringify({
    compilerOptions: {
      target: 'ES2022',
      lib: ['DOM', 'DOM.Iterable', 'ES2024'],
      module: 'esnext',
      moduleResolution: 'bundler',
      strict: true,
      noEmit: true,
      incremental: true,
      isolatedModules: true,
      allowImportingTsExtensions: true,
      skipLibCheck: true,
      noUncheckedSideEffectImports: false,
      paths: typesOf[version],
      jsx: 'preserve',
      plugins: [{ name: 'next' }],
    },
    include: ['next-env.d.ts', '**/*.ts', '**/*.tsx', '.next/types/**/*.ts'],
    exclude: ['node_modules'],
  })

/** Builds it for production. What it said, and whether it failed. */
export async function tryBuild({ folder, next }: App): Promise<{ failed: boolean; said: string }> {
  const { NEXT_RUNTIME: _runtime, ...env } = process.env
  const child = spawn(process.execPath, [next, 'build'], {
    cwd: folder,
    env: { ...env, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const chunks: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => chunks.push(String(chunk)))
  }
  const [code] = (await once(child, 'close')) as [number | null]
  return { failed: code !== 0, said: chunks.join('') }
}

/** Builds it, and returns what that said. */
export async function build(app: App): Promise<string> {
  const { failed, said } = await tryBuild(app)
  if (failed) throw new Error(`next build failed in ${app.folder}:\n${said}`)
  return said
}

/** The name of the build, which is in the addresses of its data. */
export function buildIn(folder: string): string {
  return readFileSync(join(folder, '.next/BUILD_ID'), 'utf8')
}

/**
 * Runs the build, or the sources. What it says goes to a file. `next start` takes no NODE_ENV for production, and runs
 * the build with any but development.
 */
export function starter(app: App, mode: 'dev' | 'start' = 'start'): StartExample {
  const { folder, next } = app
  const script = 'log=$1; shift; exec "$@" > "$log" 2>&1'
  const serve = exampleProcess({
    command: [
      'sh',
      '-c',
      script,
      'sh',
      logIn(app),
      process.execPath,
      next,
      mode,
      '-H',
      'localhost',
    ],
    cwd: folder,
  })
  const fixed = { NEXT_TELEMETRY_DISABLED: '1', ...(mode === 'start' && { NODE_ENV: 'test' }) }
  return (env) => serve({ ...fixed, ...env })
}

/** What `next start` says, before any request, until that matches. */
export async function saidAtStart(
  { folder, next }: App,
  env: ExampleEnv,
  last: RegExp,
): Promise<string> {
  const child = spawn(process.execPath, [next, 'start', '-p', '0'], {
    cwd: folder,
    env: { ...process.env, ...env, NODE_ENV: 'test', NEXT_TELEMETRY_DISABLED: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'close')
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said += String(chunk)
      if (last.test(said)) child.kill()
    })
  }
  // It never ends by itself.
  const timer = setTimeout(() => child.kill(), 60_000)
  await ended
  clearTimeout(timer)
  return said
}

const logIn = ({ folder }: App): string => join(folder, 'next.log')

/** What the process that was started last said. */
export function logOf(app: App): string {
  return readFileSync(logIn(app), 'utf8')
}

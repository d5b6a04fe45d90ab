import { build } from 'esbuild'
import type { BuildOptions, Plugin } from 'esbuild'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { npmInstall, run } from './programs.ts'

const home = fileURLToPath(new URL('../..', import.meta.url))
const packages = join(home, '..')

/** A folder with the packages as npm installs them, and the suite in a form that each kind of runtime takes. */
export interface Stage {
  readonly folder: string
  /** For runtimes that are processes; they resolve the packages by themselves. */
  readonly process: string
  /** A script with the global `suite`. */
  readonly edge: string
  /** A module for a server of memcached. */
  readonly worker: (server: string) => Promise<string>
}

/** Packs the packages, once for all runtimes, and installs them. */
export async function createStage(): Promise<Stage> {
  const folder = join(home, '.cache', 'stage')
  const tarballs = join(folder, 'tarballs')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(tarballs, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
  const root = join(packages, '..')
  run(root, join(root, 'node_modules/.bin/tsc'), '-b', 'packages/core', 'packages/memcached')
  for (const name of ['core', 'memcached']) {
    run(
      join(packages, name),
      'npx',
      '-y',
      '--prefer-offline',
      'pnpm@12.21.0',
      'pack',
      '--pack-destination',
      tarballs,
    )
  }
  npmInstall(folder, ...readdirSync(tarballs).map((file) => join(tarballs, file)))
  const process = join(folder, 'process.mjs')
  const text = await bundle(folder, 'process.ts', { format: 'esm' }, true)
  writeFileSync(process, text)
  return {
    folder,
    process,
    edge: await bundle(folder, 'edge.ts', { format: 'iife', globalName: 'suite' }),
    worker: (server) =>
      bundle(folder, 'worker.ts', {
        format: 'esm',
        conditions: ['workerd'],
        define: { SERVER: JSON.stringify(server) },
      }),
  }
}

/** The module `contents` with all that it imports, as a bundler for browsers or servers makes it. */
export async function minified(
  { folder }: Stage,
  contents: string,
  external: readonly string[] = [],
): Promise<string> {
  return output({
    stdin: { contents, resolveDir: folder },
    format: 'esm',
    platform: 'node',
    minify: true,
    external: [...external],
  })
}

async function bundle(
  folder: string,
  program: string,
  options: BuildOptions,
  isExternal = false,
): Promise<string> {
  const entry = fileURLToPath(new URL(`../programs/${program}`, import.meta.url))
  const plugins = [packed(folder, isExternal)]
  return output({ ...options, entryPoints: [entry], plugins })
}

async function output(options: BuildOptions): Promise<string> {
  const { outputFiles } = await build({
    bundle: true,
    write: false,
    logLevel: 'error',
    mainFields: ['module', 'main'],
    external: ['node:*', 'cloudflare:*', 'buffer'],
    ...options,
  })
  return outputFiles![0]!.text
}

/** Takes the packages from the stage, and not from the workspace. */
function packed(folder: string, isExternal: boolean): Plugin {
  const cryptography = (name: string): string =>
    `./node_modules/@coatcheck/core/dist/crypto/primitives-${name}.js`
  return {
    name: 'packed',
    setup({ onResolve, resolve }) {
      onResolve({ filter: /^@coatcheck\// }, ({ path, kind, resolveDir }) => {
        if (isExternal) return { path, external: true }
        return resolveDir.startsWith(folder) ? null : resolve(path, { kind, resolveDir: folder })
      })
      onResolve({ filter: /^cryptography\// }, ({ path }) => {
        const file = cryptography(path.slice('cryptography/'.length))
        return isExternal ? { path: file, external: true } : { path: join(folder, file) }
      })
    },
  }
}

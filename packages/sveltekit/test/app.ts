import type { ExampleEnv, RunningExample, StartExample } from '@coatcheck/harness/example-suite'
import { exampleProcess } from '@coatcheck/harness/example-suite'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A SvelteKit application, in its folder. */
export interface KitApp {
  readonly build: (env?: ExampleEnv) => void
  /** The production build. */
  readonly start: StartExample
  /** `vite dev`. */
  readonly develop: StartExample
  /** Changes one of its files. */
  readonly edit: (path: string, old: string, text: string) => void
  /** Where one of its files is. */
  readonly file: (path: string) => string
}

const traps = fileURLToPath(new URL('../fixtures/kit-2', import.meta.url))
const example = fileURLToPath(new URL('../../examples/sveltekit', import.meta.url))

/** The traps on SvelteKit 2, in a copy that can be edited. */
export function kit2(): KitApp {
  const cwd = copyApp(traps, join(traps, '.cache/traps'))
  return kitApp(cwd, join(traps, 'node_modules/.bin/vite'))
}

/** The same sources on SvelteKit 3, which the example has installed: a copy below the example finds it. */
export function kit3(): KitApp & { readonly checkTypes: () => void } {
  const cwd = copyApp(traps, join(example, '.cache/traps'), kit3Types)
  return {
    ...kitApp(cwd, kit3Tool('vite')),
    checkTypes() {
      run(kit3Tool('svelte-kit'), ['sync'], cwd)
      run(kit3Tool('svelte-check'), ['--fail-on-warnings'], cwd)
    },
  }
}

const kit3Tool = (name: string): string => join(example, 'node_modules/.bin', name)

/** With the options of the example. */
const kit3Types = {
  extends: '$app/tsconfig',
  compilerOptions: {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    erasableSyntaxOnly: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    types: ['$app/types', 'node'],
  },
  include: ['src'],
}

/** The example on SvelteKit 2: only one import has another name there. */
export function exampleOnKit2(folder = 'example'): KitApp {
  const cwd = copyApp(example, join(traps, '.cache', folder))
  const file = join(cwd, 'src/lib/server/sessions.ts')
  const text = readFileSync(file, 'utf8')
  if (!text.includes(`'$app/env'`)) throw new Error(`${file} has no import of $app/env any more`)
  writeFileSync(file, text.replace(`'$app/env'`, `'$app/environment'`))
  return kitApp(cwd, join(traps, 'node_modules/.bin/vite'))
}

/** The example on SvelteKit 3, in a copy that can be edited. */
export function exampleOnKit3(): KitApp {
  const cwd = copyApp(example, join(example, '.cache/example'), kit3Types)
  return kitApp(cwd, kit3Tool('vite'))
}

/** Copies an application's sources into a folder where another version of SvelteKit is found. */
function copyApp(
  from: string,
  to: string,
  tsconfig: object = { extends: './.svelte-kit/tsconfig.json' },
): string {
  for (const name of ['src', 'static']) rmSync(join(to, name), { recursive: true, force: true })
  mkdirSync(to, { recursive: true })
  for (const name of ['src', 'static', 'vite.config.ts']) {
    cpSync(join(from, name), join(to, name), { recursive: true })
  }
  const { type, imports, dependencies } = JSON.parse(
    readFileSync(join(from, 'package.json'), 'utf8'),
  ) as Manifest
  writeFileSync(join(to, 'package.json'), JSON.stringify({ type, imports, dependencies }))
  writeFileSync(join(to, 'tsconfig.json'), JSON.stringify(tsconfig))
  return to
}

interface Manifest {
  readonly type: string
  readonly imports?: object
  readonly dependencies: object
}

function kitApp(cwd: string, vite: string): KitApp {
  const start = exampleProcess({ command: [process.execPath, 'build'], cwd })
  const dev = 'exec "$0" dev --host 127.0.0.1 --port "$PORT" --strictPort'
  const develop = exampleProcess({ command: ['sh', '-c', dev, vite], cwd })
  return {
    build(env = {}) {
      run(vite, ['build'], cwd, env)
    },
    // As behind a proxy: the visitor's requests say that they came over plain http.
    start: (env) => start({ PROTOCOL_HEADER: 'x-forwarded-proto', ...env }),
    develop: (env) => develop({ PATH: ourNodeFirst(), ...env }),
    file: (path) => join(cwd, path),
    edit(path, old, text) {
      const file = join(cwd, path)
      const before = readFileSync(file, 'utf8')
      if (!before.includes(old)) throw new Error(`${file} has no ${old} in it`)
      writeFileSync(file, before.replace(old, text))
    },
  }
}

/** Runs a tool under the Node that runs the tests, and throws its output if it fails. */
export function run(
  tool: string,
  args: readonly string[],
  cwd: string,
  env: ExampleEnv = {},
): string {
  const { NODE_ENV: _mode, ...inherited } = process.env
  const { status, stdout, stderr } = spawnSync(tool, args, {
    cwd,
    encoding: 'utf8',
    env: { ...inherited, PATH: ourNodeFirst(), ...env },
  })
  if (status === 0) return stdout
  throw new Error(`${tool} ${args.join(' ')} failed in ${cwd}:\n${stdout}${stderr}`)
}

function ourNodeFirst(): string {
  return [dirname(process.execPath), process.env['PATH']].join(delimiter)
}

export type { RunningExample }

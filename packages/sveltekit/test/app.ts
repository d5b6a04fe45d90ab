import type { ExampleEnv, RunningExample, StartExample } from '@coatcheck/testkit/example-suite'
import { exampleProcess } from '@coatcheck/testkit/example-suite'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** An application of SvelteKit's, in its folder. */
export interface KitApp {
  readonly build: (env?: ExampleEnv) => void
  /** The production build. */
  readonly start: StartExample
  /** `vite dev`. */
  readonly develop: StartExample
}

const traps = fileURLToPath(new URL('../fixtures/kit-2', import.meta.url))
const example = fileURLToPath(new URL('../../examples/sveltekit', import.meta.url))

/** The traps on SvelteKit 2. */
export function kit2(): KitApp {
  return kitApp(traps, join(traps, 'node_modules/.bin/vite'))
}

/** The same sources on SvelteKit 3, which is installed with the example: a copy below it finds it. */
export function kit3(): KitApp {
  const cwd = join(example, '.traps')
  for (const name of ['src', 'static']) rmSync(join(cwd, name), { recursive: true, force: true })
  mkdirSync(cwd, { recursive: true })
  for (const name of ['src', 'static', 'vite.config.ts']) {
    cpSync(join(traps, name), join(cwd, name), { recursive: true })
  }
  writeFileSync(join(cwd, 'package.json'), JSON.stringify(manifest))
  writeFileSync(join(cwd, 'tsconfig.json'), JSON.stringify({ extends: '$app/tsconfig' }))
  return kitApp(cwd, join(example, 'node_modules/.bin/vite'))
}

const manifest = {
  type: 'module',
  dependencies: { '@coatcheck/core': '*', '@coatcheck/memcached': '*', '@coatcheck/sveltekit': '*' },
}

function kitApp(cwd: string, vite: string): KitApp {
  const start = exampleProcess({ command: [process.execPath, 'build'], cwd })
  const dev = 'exec "$0" dev --host 127.0.0.1 --port "$PORT" --strictPort'
  const develop = exampleProcess({ command: ['sh', '-c', dev, vite], cwd })
  return {
    build(env = {}) {
      run(vite, ['build'], cwd, env)
    },
    // As behind a proxy that says whether it ended TLS: the visitor's requests say that it did not.
    start: (env) => start({ PROTOCOL_HEADER: 'x-forwarded-proto', ...env }),
    develop: (env) => develop({ PATH: ourNodeFirst(), ...env }),
  }
}

/** Runs a tool under the Node that runs the tests, and throws what it said when it fails. */
export function run(tool: string, args: readonly string[], cwd: string, env: ExampleEnv = {}): string {
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

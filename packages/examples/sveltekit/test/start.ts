import type { StartExample } from '@coatcheck/testkit/example-suite'
import { exampleProcess } from '@coatcheck/testkit/example-suite'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const cwd = fileURLToPath(new URL('..', import.meta.url))

/** Runs one of the application's tools, and throws what it said when it fails. */
export function run(tool: string, ...args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(`node_modules/.bin/${tool}`, args, { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${tool} ${args.join(' ')} failed:\n${stdout}${stderr}`)
}

/** The production build, in a process of its own. */
export const start: StartExample = exampleProcess({ command: [process.execPath, 'build'], cwd })

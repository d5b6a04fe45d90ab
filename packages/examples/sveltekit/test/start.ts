import type { StartExample } from '@coatcheck/harness/example-suite'
import { exampleProcess } from '@coatcheck/harness/example-suite'
import { spawnSync } from 'node:child_process'
import { delimiter, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const cwd = fileURLToPath(new URL('..', import.meta.url))

/** A folder of the build. */
export const built = (folder: string): string => cwd + folder

/** Runs one of the application's tools under the Node that runs the tests, and throws its output if it fails. */
export function run(tool: string, ...args: readonly string[]): void {
  const PATH = [dirname(process.execPath), process.env['PATH']].join(delimiter)
  const { status, stdout, stderr } = spawnSync(`node_modules/.bin/${tool}`, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, PATH },
  })
  if (status !== 0) throw new Error(`${tool} ${args.join(' ')} failed:\n${stdout}${stderr}`)
}

/** The production build, in a separate process. */
export const start: StartExample = exampleProcess({ command: [process.execPath, 'build'], cwd })

import type { StartExample } from '@coatcheck/harness/example-suite'
import { exampleProcess } from '@coatcheck/harness/example-suite'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const cwd = fileURLToPath(new URL('..', import.meta.url))

/** A folder of the build. */
export const built = (folder: string): string => cwd + folder

/** Builds the application for production. */
export function build(): void {
  const { status, stdout, stderr } = spawnSync('node_modules/.bin/next', ['build'], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' },
  })
  if (status !== 0) throw new Error(`next build failed:\n${stdout}${stderr}`)
}

const serve = exampleProcess({
  command: ['node_modules/.bin/next', 'start', '-H', 'localhost'],
  cwd,
})

/** `next start` takes no NODE_ENV for production, and runs the build with any but development. */
export const start: StartExample = (env) => serve({ NODE_ENV: 'test', ...env })

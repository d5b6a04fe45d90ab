import type { StartExample } from '@coatcheck/harness/example-suite'
import { exampleProcess } from '@coatcheck/harness/example-suite'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const cwd = fileURLToPath(new URL('..', import.meta.url))

/** A folder of the build. */
export const built = (folder: string): string => cwd + folder

/** Builds the application for production. */
export function build(): void {
  const { status, stdout, stderr } = spawnSync('node_modules/.bin/react-router', ['build'], {
    cwd,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`react-router build failed:\n${stdout}${stderr}`)
}

const serve = exampleProcess({
  command: ['node_modules/.bin/react-router-serve', './build/server/index.js'],
  cwd,
})

/** react-router-serve sets NODE_ENV=production if it is unset. */
export const start: StartExample = (env) => serve({ NODE_ENV: 'development', ...env })

import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The names of chromium programs, in order of preference. */
export const chromiumNames: readonly string[] = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
]

/** The names of Valkey and Redis, in order of preference. */
export const valkeyNames: readonly string[] = ['valkey-server', 'redis-server']

/** The full path of the first of these programs that is on PATH. */
export function findProgram(names: readonly string[]): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  const paths = names.flatMap((name) => folders.map((folder) => join(folder, name)))
  return paths.find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

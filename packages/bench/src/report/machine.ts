import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem, type } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Machine } from './results.ts'

/** `before`: the load before the run. */
export function thisMachine(before: number): Machine {
  const processors = cpus()
  return {
    processor: processors[0]?.model.trim() ?? 'unknown processor',
    cores: processors.length,
    gigabytes: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    load: [before, loadavg()[0] ?? 0],
  }
}

export const currentLoad = (): number => loadavg()[0] ?? 0

export function currentCommit(): string {
  const cwd = fileURLToPath(new URL('.', import.meta.url))
  const git = (...args: string[]) => spawnSync('git', args, { cwd, encoding: 'utf8' })
  const { status, stdout } = git('rev-parse', '--short', 'HEAD')
  if (status !== 0) return 'unknown'
  const changed = git('status', '--porcelain', '--', '../../../..').stdout.trim() !== ''
  return stdout.trim() + (changed ? ', with changes' : '')
}

/** The installed versions of these packages. */
export function versionsOf(packages: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    [...new Set(packages)].sort().map((name) => {
      const file = new URL(`../../node_modules/${name}/package.json`, import.meta.url)
      return [name, (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version]
    }),
  )
}

/**
 * Writes what the README, the documentation and the page on planning say of speed, from packages/bench/results.
 *
 *   node packages/bench/src/publish.ts
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { published } from './report/published.ts'

for (const { file, now, url } of published()) {
  const isNew = readFileSync(url, 'utf8') !== now
  if (isNew) writeFileSync(url, now)
  process.stdout.write(`${isNew ? 'written' : 'as it was'}: ${file}\n`)
}

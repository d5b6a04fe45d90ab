/**
 * Writes the performance figures of the README, the documentation and the planning page, from packages/bench/results.
 *
 *   node packages/bench/src/publish.ts
 */
import { published, readPage, writePage } from './report/published.ts'

for (const { file, now } of published()) {
  const isNew = readPage(file) !== now
  if (isNew) writePage(file, now)
  process.stdout.write(`${isNew ? 'written' : 'as it was'}: ${file}\n`)
}

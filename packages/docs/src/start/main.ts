/**
 * Follows the start pages with the newest generators, as a reader does, and writes the page of transcripts:
 * `npm run start-pages`. With slugs: those alone. `--write`: the transcripts alone, without following a page.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { followPage } from './follow-page.ts'
import { startPages } from './start-pages.ts'
import { prepare, root, stepsOfPage } from './surroundings.ts'
import type { Seconds } from './transcript.ts'
import { readSeconds, writeTranscripts } from './transcript.ts'

const file = join(root, 'packages/docs/pages/start/transcripts.md')
const args = process.argv.slice(2)
const named = args.filter((arg) => !arg.startsWith('--'))
const chosen = startPages.filter(({ slug }) => named.length === 0 || named.includes(slug))

function write(seconds: Seconds): void {
  const all = startPages.map((page) => ({ page, steps: stepsOfPage(page) }))
  writeFileSync(file, writeTranscripts(all, seconds))
}

async function follow(): Promise<Seconds> {
  const around = await prepare(!args.includes('--pinned'))
  const seconds: Record<string, number> = {}
  try {
    for (const page of chosen) {
      const begin = performance.now()
      // A page that cannot be followed must not hide what the next ones do.
      const faults = await followPage(around, page).catch((error: Error) => [error.message])
      const took = Math.round((performance.now() - begin) / 1000)
      process.stdout.write(`${page.slug}: ${faults.join('; ') || 'works'}, ${took} s\n`)
      if (faults.length > 0) process.exitCode = 1
      else seconds[page.slug] = took
    }
  } finally {
    await around.end()
  }
  return seconds
}

const before = readSeconds(readFileSync(file, 'utf8'), startPages)
write(args.includes('--write') ? before : { ...before, ...(await follow()) })

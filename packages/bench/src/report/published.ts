import { existsSync, readFileSync } from 'node:fs'
import { claimOf, putBetween } from './claim.ts'
import { writePlanning } from './planning.ts'
import type { Results } from './results.ts'

const root = new URL('../../../../', import.meta.url)
const folder = 'packages/bench/results/'
const site = `https://github.com/coatcheck/coatcheck/blob/main/${folder}`

/** Pages that state figures between marks, and what their links begin with. */
const pages = [
  ['README.md', folder],
  ['packages/docs/pages/comparison.md', site],
] as const

/** A file with figures in it. */
export interface Published {
  readonly file: string
  readonly url: URL
  /** As the results want it. */
  readonly now: string
}

/** The files that state figures, as the committed results want them. Pages without marks are left out. */
export function published(): readonly Published[] {
  const results = readResults()
  const claims = pages.flatMap(([file, links]) => {
    const url = new URL(file, root)
    const now = existsSync(url)
      ? putBetween(readFileSync(url, 'utf8'), claimOf(results, links))
      : null
    return now === null ? [] : [{ file, url, now }]
  })
  const file = 'packages/bench/PLANNING.md'
  const planning = writePlanning(results)
  return planning === null ? claims : [...claims, { file, url: new URL(file, root), now: planning }]
}

export function readResults(): Results {
  return JSON.parse(readFileSync(new URL(`${folder}requests.json`, root), 'utf8')) as Results
}

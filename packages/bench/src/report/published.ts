import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { claimOf, putBetween } from './claim.ts'
import { writePlanning } from './planning.ts'
import type { Results, Soak } from './results.ts'

const root = new URL('../../../../', import.meta.url)
const folder = 'packages/bench/results/'
const site = `https://github.com/coatcheck/coatcheck/blob/main/${folder}`

/** Pages with figures between marks, and the prefix of their links. */
const pages = [
  ['README.md', folder],
  ['packages/docs/pages/comparison.md', site],
] as const

/** A file with figures. */
export interface Published {
  readonly file: string
  /** Its content according to the results. */
  readonly now: string
}

/**
 * The files with figures, with their content according to the committed results; empty if there are no results. Pages
 * without marks are skipped.
 */
export function published(): readonly Published[] {
  const results = readResults()
  const claims = pages.flatMap(([file, links]) => {
    const claim = results === null ? '' : claimOf(results, links)
    const page = readPage(file)
    const now = page === null ? null : putBetween(page, claim)
    return now === null ? [] : [{ file, now }]
  })
  const planning = results && writePlanning(results, readSoak())
  return planning === null ? claims : [...claims, { file: planningPage, now: planning }]
}

export const planningPage = 'packages/bench/PLANNING.md'

/** `null`: the bench has not been run. */
export function readResults(): Results | null {
  const text = readPage(`${folder}requests.json`)
  return text === null ? null : (JSON.parse(text) as Results)
}

function readSoak(): Soak | null {
  const text = readPage(`${folder}soak.json`)
  return text === null ? null : (JSON.parse(text) as Soak)
}

export function readPage(file: string): string | null {
  const url = new URL(file, root)
  return existsSync(url) ? readFileSync(url, 'utf8') : null
}

export function writePage(file: string, text: string): void {
  writeFileSync(new URL(file, root), text)
}

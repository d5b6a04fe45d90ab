import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { findShown, numbersOf, titlesOf } from './titles.ts'

const packages = fileURLToPath(new URL('../../../', import.meta.url))
const page = join(packages, 'core/SECURITY.md')

interface Row {
  readonly numbers: readonly string[]
  readonly files: readonly string[]
  readonly status: string
  readonly reason: string
}

const reference = /^(?:S\d+b?|T\d+|CVE-[\d-]+|GHSA(?:-\w{4}){3})$/

/** The rows of a page's tables that begin with numbers. */
function readRows(text: string): readonly Row[] {
  return text.split('\n').flatMap((line) => {
    const [, first = '', , tests = '', last = ''] = line.split('|').map((cell) => cell.trim())
    const numbers = first.split(', ').filter((each) => reference.test(each))
    if (numbers.length === 0) return []
    const files = [...tests.matchAll(/\]\(([^)]+)\)/g)].map(([, path = '']) =>
      relative(packages, join(dirname(page), path)),
    )
    const [status = '', ...reason] = last.split(': ')
    return [{ numbers, files, status, reason: reason.join(': ') }]
  })
}

/** What is claimed and not true. */
function liesOf(
  rows: readonly Row[],
  shown: ReadonlyMap<string, readonly string[]>,
): readonly string[] {
  return rows.flatMap(({ numbers, files, status, reason }) => {
    const at = numbers.join(', ')
    const lies: string[] = []
    if (!['shown', 'partly', 'not met', 'app', 'elsewhere'].includes(status))
      lies.push(`${at}: status ${status}`)
    if (status !== 'shown' && reason === '') lies.push(`${at}: ${status}, and does not say why`)
    if (status === 'shown' || status === 'partly') {
      if (files.length === 0) lies.push(`${at}: ${status} by no test`)
      for (const each of numbers) if (!shown.has(each)) lies.push(`${each}: no test is named by it`)
      for (const file of files) {
        if (!numbers.some((each) => shown.get(each)?.includes(file)))
          lies.push(`${at}: not in ${file}`)
      }
    } else {
      if (files.length > 0) lies.push(`${at}: ${status}, with tests`)
      for (const each of numbers)
        if (shown.has(each)) lies.push(`${each}: ${status}, but there is a test`)
    }
    return lies
  })
}

const rows = readRows(readFileSync(page, 'utf8'))
const shown = findShown()

describe('the table of requirements', () => {
  it('says of each row what the tests say', () => {
    expect(liesOf(rows, shown)).toEqual([])
  })

  it('has every row there is, once', () => {
    const range = (from: number, to: number): string[] =>
      Array.from({ length: to - from + 1 }, (_, at) => `S${from + at}`)
    const all = [...range(1, 17), ...range(20, 70), 'S59b', ...range(80, 90)]
    const numbers = rows.flatMap((row) => row.numbers)
    expect(new Set(numbers).size).toBe(numbers.length)
    expect(numbers.filter((each) => each.startsWith('S')).toSorted()).toEqual(all.toSorted())
  })

  it('has every number that a test is named by', () => {
    const numbers = new Set(rows.flatMap((row) => row.numbers))
    const unknown = [...shown.keys()].filter(
      (each) => !each.startsWith('rule') && !numbers.has(each),
    )
    expect(unknown).toEqual([])
  })

  it('names files that exist', () => {
    const files = rows.flatMap((row) => row.files)
    expect(files.length).toBeGreaterThan(100)
    expect(files.filter((file) => !existsSync(join(packages, file)))).toEqual([])
  })

  it('fails for these', () => {
    const row = (first: string, tests: string, last: string): string =>
      `| ${first} | words | ${tests} | ${last} |`
    const real = '[x](../conformance/src/security/dump.test.ts)'
    const lies = [
      row('S59b', '', 'shown'),
      row('S59b', '[x](../conformance/src/security/timing.test.ts)', 'shown'),
      row('S999', real, 'shown'),
      row('S59b', real, 'not met: for lack of time'),
      row('S3', '', 'not met'),
      row('S59b', real, 'done'),
      row('S59b, CVE-1999-0001', real, 'shown'),
    ]
    for (const lie of lies)
      expect([lie, liesOf(readRows(lie), shown).length > 0]).toEqual([lie, true])
    expect(liesOf(readRows(row('S59b', real, 'shown')), shown)).toEqual([])
  })

  it('reads names as vitest does, and no comment, row of data or other text', () => {
    const source = `
      // it('S1: in a comment', () => {})
      const text = 'S2: in a string'
      it('S3: a test', () => {})
      it.each([['S4: a row']])('S5, CVE-2020-1234: %s', async () => {})
      it.each<[string]>([['x']])(
        'S6: on its own line',
        (x) => {},
      )
      describe('S7, T2: a group', () => {})
      it('about S8, without saying so', () => {})
      it('it ends: S9 is no number of it', () => {})`
    expect(titlesOf(source).flatMap(numbersOf).toSorted()).toEqual([
      'CVE-2020-1234',
      'S3',
      'S5',
      'S6',
      'S7',
      'T2',
    ])
  })
})

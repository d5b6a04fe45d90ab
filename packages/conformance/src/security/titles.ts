import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const packages = fileURLToPath(new URL('../../../', import.meta.url))

/** Where tests are written down; some are in files that several tests run. */
const patterns = [
  '*/src/**/*.test.ts',
  '{memcached,next,remix,sveltekit}/test/**/*.ts',
  'remix/fixtures/*/test/*.ts',
  'examples/*/{src,test}/**/*.test.ts',
  'harness/src/example-suite/*.ts',
]

/** The last one has test titles in its texts. */
const skipped = ['**/node_modules/**', '**/dist/**', '**/security/table.test.ts']

/** Rows, traps, rules and published faults, as a test's name begins with them. */
const number = /\b(?:S\d+b?|T\d+|rule \d+|CVE-\d{4}-\d+|GHSA(?:-\w{4}){3})(?![\w-])/g

/** The names of the tests in a source: what stands first in `it`, `describe` and their `each`. */
export function titlesOf(source: string): readonly string[] {
  const code = source.replace(/^\s*(?:\/\/|\*|\/\*).*$/gm, '')
  const literal = /(?:'((?:\\.|[^'\\])*)'|`((?:\\.|[^`\\])*)`)/.source
  const plain = new RegExp(`\\b(?:it|test|describe|describeOnAll)\\(\\s*${literal}`, 'g')
  const each = new RegExp(`\\)\\(\\s*${literal},\\s*(?:async\\b|\\()`, 'g')
  return [...code.matchAll(plain), ...code.matchAll(each)].map(
    ([, one, other]) => one ?? other ?? '',
  )
}

/** The numbers that a test's name begins with: all up to its first colon. */
export function numbersOf(title: string): readonly string[] {
  const [head = ''] = title.split(': ')
  return head === title ? [] : [...head.matchAll(number)].map(([found]) => found)
}

/** For each number the files, below `packages`, with a test that is named by it. */
export function findShown(): ReadonlyMap<string, readonly string[]> {
  const shown = new Map<string, Set<string>>()
  for (const file of globSync(patterns, { cwd: packages, exclude: skipped }).toSorted()) {
    for (const title of titlesOf(readFileSync(packages + file, 'utf8'))) {
      for (const each of numbersOf(title)) shown.set(each, (shown.get(each) ?? new Set()).add(file))
    }
  }
  return new Map([...shown].map(([each, files]) => [each, [...files]]))
}

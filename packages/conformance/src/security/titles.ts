import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const packages = fileURLToPath(new URL('../../../', import.meta.url))

/** The files with tests; some are shared by several test files. */
const patterns = [
  '*/src/**/*.test.ts',
  '{memcached,next,remix,sveltekit}/test/**/*.ts',
  'remix/fixtures/*/test/*.ts',
  'examples/*/{src,test}/**/*.test.ts',
  'harness/src/example-suite/*.ts',
]

/** The last file contains test titles in strings. */
const skipped = ['**/node_modules/**', '**/dist/**', '**/security/table.test.ts']

/** The rows, traps, rules and published vulnerabilities with which a test's name can begin. */
const number = /\b(?:S\d+b?|T\d+|rule \d+|CVE-\d{4}-\d+|GHSA(?:-\w{4}){3})(?![\w-])/g

/** The names of the tests in a source: the first arguments of `it`, `describe` and their `each`. */
export function titlesOf(source: string): readonly string[] {
  const code = source.replace(/^\s*(?:\/\/|\*|\/\*).*$/gm, '')
  const literal = /(?:'((?:\\.|[^'\\])*)'|`((?:\\.|[^`\\])*)`)/.source
  const plain = new RegExp(`\\b(?:it|test|describe|describeOnAll)\\(\\s*${literal}`, 'g')
  const each = new RegExp(`\\)\\(\\s*${literal},\\s*(?:async\\b|\\()`, 'g')
  return [...code.matchAll(plain), ...code.matchAll(each)].map(
    ([, one, other]) => one ?? other ?? '',
  )
}

/** The numbers with which a test's name begins: all up to its first colon. */
export function numbersOf(title: string): readonly string[] {
  const [head = ''] = title.split(': ')
  return head === title ? [] : [...head.matchAll(number)].map(([found]) => found)
}

/** For each number, the files below `packages` with a test named by it. */
export function findShown(): ReadonlyMap<string, readonly string[]> {
  const shown = new Map<string, Set<string>>()
  for (const file of globSync(patterns, { cwd: packages, exclude: skipped }).toSorted()) {
    for (const title of titlesOf(readFileSync(packages + file, 'utf8'))) {
      for (const each of numbersOf(title)) shown.set(each, (shown.get(each) ?? new Set()).add(file))
    }
  }
  return new Map([...shown].map(([each, files]) => [each, [...files]]))
}

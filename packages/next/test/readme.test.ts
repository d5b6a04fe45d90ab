import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { readmeFiles } from './install.ts'

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')

/** The app in fixtures/fresh is built, and runs, in tarball.test.ts. */
it('shows in the guide the files of an app that is built and tested', () => {
  const blocks = readmeFiles()
  expect(blocks).toHaveLength(11)
  for (const [path, code] of blocks) expect(code).toBe(read(`fixtures/fresh/${path}`))
})

it('shows no other code, which would not be compiled', () => {
  const fences = read('GUIDE.md').match(/^```\w+$/gm)
  expect(fences).toHaveLength(11)
})

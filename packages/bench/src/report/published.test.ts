import { describe, expect, it } from 'vitest'
import { putBetween } from './claim.ts'
import { planningPage, published, readPage, readResults } from './published.ts'

const rewrite = 'Run node packages/bench/src/publish.ts'

describe('figures in pages', () => {
  it('stand in the README', () => {
    expect(published().map(({ file }) => file)).toContain('README.md')
  })

  it.each(published())('$file states what the committed results say, and nothing else', (page) => {
    expect(readPage(page.file), rewrite).toBe(page.now)
  })

  it('have no page on planning without a run that measured growth', () => {
    const isWritten = published().some(({ file }) => file === planningPage)
    expect(readPage(planningPage) !== null, rewrite).toBe(isWritten)
  })

  it('are put between marks, and nothing else is touched', () => {
    const [begin, end] = [
      '<!-- speed: written by packages/bench/src/publish.ts -->',
      '<!-- speed: end -->',
    ]
    const page = `a\n${begin}\nold\n${end}\nb\n`
    expect(putBetween(page, 'new')).toBe(`a\n${begin}\n\nnew\n\n${end}\nb\n`)
    expect(putBetween(page, '')).toBe(`a\n${begin}\n${end}\nb\n`)
    expect(putBetween(`a\n${end}\n${begin}\n`, 'new')).toBeNull()
    expect(putBetween('a page without marks', 'new')).toBeNull()
  })
})

describe('the committed results', () => {
  it('are of a run that measured every goal', () => {
    const run = readResults()?.runs[0]
    const parts = run && [run.figures, run.races, run.growth].map((part) => part.length > 0)
    expect(parts ?? [true, true, true]).toEqual([true, true, true])
  })
})

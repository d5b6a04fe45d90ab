import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { readEventsPage, withTables } from '../src/events-table.ts'
import { withPrograms } from '../src/markdown.ts'
import { drawSequence } from '../src/sequence.ts'
import { pages } from '../src/site-map.ts'
import { address, toSitePage } from '../src/to-site-page.ts'
import type { Surroundings } from '../src/to-site-page.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))

const around: Surroundings = {
  pages,
  base: '/',
  read: (file) => readFileSync(join(root, file), 'utf8'),
  isFolder: (file) => statSync(join(root, file)).isDirectory(),
}

it('every page is in the site map, once, and every page of the map exists', () => {
  const folder = 'packages/docs/pages'
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
  const written = files.filter((file) => file.endsWith('.md')).map((file) => join(folder, file))
  const mapped = pages.map(({ file }) => file)
  expect(mapped.filter((file) => !existsSync(join(root, file)))).toEqual([])
  expect(mapped.filter((file) => file.startsWith(folder)).toSorted()).toEqual(written.toSorted())
  expect(new Set(pages.map(({ slug }) => slug)).size).toBe(pages.length)
})

describe('the events', () => {
  const source = around.read('packages/core/src/events.ts')
  const types = new Set([...source.matchAll(/type: '([\w.-]+)'/g)].map((match) => match[1]))
  /** Events have a point in their names, but for `commit` and `warning`. Files, calls and options have one as well. */
  const eventLike = /`((?:token|record|store|session|fixation|cache|cookie|request)\.[a-z-]+)`/g
  const calls =
    /^(store\.reconfigure|request\.session|session\.(data|id|ref|state|subject)|cookie\.(secure|name|domain|header|persistent))$/

  it('are all on the page on alarms', () => {
    const alarms = around.read('packages/docs/pages/operations/alarms.md')
    expect(types.size).toBeGreaterThan(10)
    expect([...types].filter((type) => !alarms.includes(`\`${type}\``))).toEqual([])
  })

  it('are tables of the page on events, as the types say them', () => {
    const page = readEventsPage()
    expect(withTables(page), 'run npm --prefix packages/docs run events').toBe(page)
    expect([...types].filter((type) => !page.includes(`\n| \`${type}\` |`))).toEqual([])
  })

  it('that a page names exist', () => {
    const named = pages
      .filter(({ file }) => file.startsWith('packages/docs/'))
      .flatMap(({ file }) =>
        [...around.read(file).matchAll(eventLike)].map((match) => match[1] ?? ''),
      )
      .filter((name) => !calls.test(name))
    expect(named.length).toBeGreaterThan(20)
    expect(named.filter((name) => !types.has(name))).toEqual([])
  })
})

describe('a link', () => {
  const from = 'packages/docs/pages/recipes/cart.md'

  it('between pages becomes an address of the site, with its anchor', () => {
    expect(address('../faq.md#login', from, around)).toBe('/faq/#login')
    expect(address('../../../core/README.md', from, around)).toBe('/packages/core/')
    expect(address('../index.md', from, { ...around, base: '/docs/' })).toBe('/docs/')
  })

  it('to a page on GitHub that the site has leads to the site', () => {
    const onGitHub =
      'https://github.com/coatcheck/coatcheck/blob/main/packages/core/README.md#secrets'
    expect(address(onGitHub, from, around)).toBe('/packages/core/#secrets')
  })

  it('to another file of the repository leads to GitHub', () => {
    const start = 'https://github.com/coatcheck/coatcheck'
    expect(address('../../../../LICENSE', from, around)).toBe(`${start}/blob/main/LICENSE`)
    expect(address('../../../core', from, around)).toBe(`${start}/tree/main/packages/core`)
  })

  it('to elsewhere, or inside the page, stays', () => {
    expect(address('https://example.com/x', from, around)).toBe('https://example.com/x')
    expect(address('#here', from, around)).toBe('#here')
  })
})

describe('a page', () => {
  const make = (text: string): string =>
    toSitePage({ slug: 'x', file: 'x.md' }, { ...around, read: () => text })

  it('has its heading as title, and its first paragraph as description', () => {
    const page = make('# The `title`\n\nThe **first** [line](https://example.com).\n\nMore.\n')
    expect(page).toContain('title: "The title"\ndescription: "The first line."')
    expect(page).not.toContain('# The')
  })

  it('leaves what looks like a link in a program as it is', () => {
    expect(make('# T\n\n```ts\nconst a = b[0](c)\n```\n')).toContain('b[0](c)')
  })

  it('is read on GitHub as well: each copy of a program is as the program is', () => {
    const own = pages.filter(({ file }) => file.startsWith('packages/docs/'))
    const copies = own.filter(({ file }) => /^```\w+ from /m.test(around.read(file)))
    expect(copies.length).toBeGreaterThan(5)
    const stale = copies.filter(({ file }) => {
      const page = around.read(file)
      return withPrograms(page, around.read) !== page
    })
    expect(stale, 'run npm --prefix packages/docs run programs').toEqual([])
  })

  it('gets the program anew if its copy is stale, and is refused if there is none', () => {
    const source = '# T\n\n```ts\n// a.ts\nnew\n```\n'
    const copy = (path: string): string =>
      `x\n\`\`\`js from README.md\n// ${path}\nold\n\`\`\`\ny\n`
    expect(withPrograms(copy('a.ts'), () => source)).toBe(
      'x\n```ts from README.md\n// a.ts\nnew\n```\ny\n',
    )
    expect(() => withPrograms(copy('none.ts'), () => source)).toThrow('no program none.ts')
  })
})

describe('a drawing', () => {
  it('says in words what it shows', () => {
    const svg = drawSequence('A | B\nA -> B: one <1>\nB --> A: two\nnote A: three\nA -x B: four\n')
    expect(svg).toContain(
      'aria-label="A to B: one &lt;1&gt;. B to A: two. A: three. A to B, lost: four"',
    )
    expect(svg.match(/class="(request|answer|lost|note)"/g)).toEqual([
      'class="request"',
      'class="answer"',
      'class="note"',
      'class="lost"',
      'class="lost"',
    ])
  })

  it('refuses a lane that is not there, and a line that is no step', () => {
    expect(() => drawSequence('A | B\nA -> C: x')).toThrow('no lane "C"')
    expect(() => drawSequence('A | B\nA and B')).toThrow('Not a step')
  })
})

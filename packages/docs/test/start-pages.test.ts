import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { faultsOf } from '../src/start/follow-page.ts'
import type { Asked } from '../src/start/replay.ts'
import { faultOf, formsOf } from '../src/start/sign-in.ts'
import { startPages } from '../src/start/start-pages.ts'
import type { StartPage } from '../src/start/start-pages.ts'
import { stepsOf } from '../src/start/steps.ts'
import { root, stepsOfPage } from '../src/start/surroundings.ts'
import { readSeconds, writeTranscripts } from '../src/start/transcript.ts'
import { groups } from '../src/site-map.ts'

const read = (file: string): string => readFileSync(join(root, file), 'utf8')

/** Their programs have tests of their own. */
const withoutTranscript = ['start/servers', 'start/transcripts']

it('every page of the start is followed by a test, or is said not to be', () => {
  const start = groups.find(({ label }) => label === 'Start')
  const slugs = start!.pages.map(({ slug }) => slug)
  const followed = startPages.map(({ slug }) => slug)
  expect([...followed, ...withoutTranscript].toSorted()).toEqual(slugs.toSorted())
})

describe('a page', () => {
  it.each(startPages)('$slug has steps that can be followed', (page) => {
    const steps = stepsOfPage(page)
    expect(steps.filter(({ kind }) => kind === 'paste').length).toBeGreaterThan(0)
    expect(steps.filter((step) => step.kind === 'command' && step.does === 'serve')).not.toEqual([])
  })

  it.each(startPages.filter(({ standIn }) => standIn !== undefined))(
    '$slug has the generator that a stand-in takes the place of',
    (page) => {
      const commands = stepsOfPage(page).map((step) => step.kind === 'command' && step.command)
      expect(commands).toContain(page.standIn?.generator)
    },
  )

  it('fails with a command that is not known, so that none is left out', () => {
    const page = '# T\n\n```sh\nnpm install x\nmake it work\n```\n'
    expect(() => stepsOf(page)).toThrow('Not a command that a page may have: make it work')
  })

  it('gives other commands, what is printed, and where a program goes', () => {
    const page = [
      '```sh',
      'node a.mts # or: bun a.mts, or: deno run -A a.mts',
      'curl http://localhost:3000/ # {"user":null}',
      '```',
      '```tsx',
      '// app/root.tsx (add)',
      'export {}',
      '```',
    ]
    expect(stepsOf(page.join('\n'))).toMatchObject([
      { does: 'serve', command: 'node a.mts', others: ['bun a.mts', 'deno run -A a.mts'] },
      { does: 'ask', prints: '{"user":null}' },
      { kind: 'paste', path: 'app/root.tsx', isAdded: true },
    ])
  })
})

describe('what came of a page is wrong', () => {
  const byCurl: StartPage = { slug: 'start/x', name: 'X', signIn: 'curl' }
  const answer = (printed: string, prints = printed): Asked => ({ command: 'c', printed, prints })
  const visit = { signedIn: 'ada-of-the-test', again: 'ada-of-the-test', signedOut: '' }

  it('if something else is printed, or the sign-out is missing', () => {
    const [before, during] = ['{"user":null}', '{"user":"ada"}']
    const fault = (...asked: Asked[]): readonly string[] => faultsOf(byCurl, { asked, visits: [] })
    expect(fault(answer(before), answer(during), answer(before))).toEqual([])
    expect(fault(answer(before), answer(during))).toHaveLength(1)
    expect(fault(answer(before), answer(before, during), answer(before))).toHaveLength(1)
    expect(fault()).toHaveLength(1)
  })

  it('if the visitor is not signed in, or still is, or the old cookie is', () => {
    expect(faultOf({ ...visit, withOldCookie: '' })).toBeNull()
    expect(faultOf({ ...visit, withOldCookie: '', again: '' })).toContain('signedIn')
    expect(faultOf({ ...visit, withOldCookie: 'ada-of-the-test' })).toContain('withOldCookie')
    const byForm: StartPage = { ...byCurl, signIn: { form: '/' } }
    expect(faultsOf(byForm, { asked: [], visits: [] })).toHaveLength(1)
  })

  it('and a form is read as a browser reads it', () => {
    const html = `<form action="?/in" method="POST" encType="multipart/form-data">
<input type="hidden" name="a" value="&quot;1&quot;"/><input name="user"><button class="x">Log in</button></form>`
    expect(formsOf(html)).toEqual([
      { action: '?/in', isMultipart: true, fields: [['a', '"1"']], asks: 'user', button: 'Log in' },
    ])
  })
})

it('the page of transcripts is what the pages say', () => {
  const page = read('packages/docs/pages/start/transcripts.md')
  const all = startPages.map((each) => ({ page: each, steps: stepsOfPage(each) }))
  const written = writeTranscripts(all, readSeconds(page, startPages))
  expect(written, 'run npm --prefix packages/docs run start-pages -- --write').toBe(page)
})

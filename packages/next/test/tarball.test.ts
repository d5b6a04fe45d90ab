import { rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { App } from './apps.ts'
import { build, logOf, starter } from './apps.ts'
import { createApp } from './install.ts'
import type { Places } from './places.ts'
import { usePlaces } from './places.ts'

/** The packed tarballs, in an app of create-next-app, with the pages of the guide. */
let app: App
beforeAll(() => void (app = createApp()), 600_000)
afterAll(() => rmSync(dirname(app.folder), { recursive: true, force: true }))

describe('F7: the template as it is, with cacheComponents and partialPrefetching', () => {
  let built = ''
  beforeAll(async () => void (built = await build(app)), 300_000)
  const places = usePlaces(() => starter(app))
  describeReadme(places)

  it('F9: is built without the secrets, and without a word about them', () => {
    expect(process.env['SESSION_SECRETS']).toBeUndefined()
    expect(built).toMatch(/Generating static pages/)
    expect(built).not.toMatch(/coatcheck:/)
  })

  it('loads once for a page that has a shell, and not at all for a prefetch', async () => {
    const visitor = places.visitor()
    await visitor.send('POST', '/api/cart', { body: 'hat' })
    const [commands, page] = await places.count(() => visitor.get('/'))
    expect(page.text).toContain('<p id="cart">hat</p>')
    expect(commands).toBe(1)
    for (const kind of ['1', '2']) {
      const headers = { RSC: '1', 'Next-Router-Prefetch': kind, 'Next-Url': '/' }
      const [none] = await places.count(() => visitor.get('/', headers))
      expect(none).toBe(0)
    }
  })

  it('writes nothing to the log', () => {
    expect(unusual(logOf(app))).toEqual([])
  })
})

describe('F7: the template as it is, under next dev', () => {
  const places = usePlaces(() => starter(app, 'dev'))
  describeReadme(places)

  it('loads once for a page that has a shell', async () => {
    const visitor = places.visitor()
    await visitor.send('POST', '/api/cart', { body: 'hat' })
    await visitor.get('/')
    const [commands] = await places.count(() => visitor.get('/'))
    expect(commands).toBe(1)
  })

  it('writes nothing to the log but what it does for any app', () => {
    expect(unusual(logOf(app))).toEqual([])
  })
})

describe('the template without cacheComponents', () => {
  beforeAll(async () => {
    writeFileSync(join(app.folder, 'next.config.ts'), 'export default {}\n')
    await build(app)
  }, 300_000)
  describeReadme(usePlaces(() => starter(app)))

  it('writes nothing to the log', () => {
    expect(unusual(logOf(app))).toEqual([])
  })
})

function describeReadme(places: Places): void {
  it('keeps one session over App Router, Pages Router and proxy', async () => {
    const visitor = places.visitor()
    const added = await visitor.send('POST', '/api/cart', { body: 'hat' })
    expect(added.found).toEqual(['hat'])
    expect(visitor.cookies.size).toBe(1)
    expect((await visitor.post('/api/basket?item=scarf')).found).toEqual(['hat', 'scarf'])
    expect((await visitor.get('/cart')).text).toContain('<p id="cart">hat, scarf</p>')
    expect((await visitor.get('/')).text).toContain('<p id="cart">hat, scarf</p>')
  })

  it('logs in and out by server actions, guarded by the proxy, in 1 trip for each page', async () => {
    const visitor = places.visitor()
    expect((await visitor.get('/account')).headers.get('Location')).toBe('/')
    expect((await visitor.press('/', 'Log in')).headers.get('Location')).toBe('/account')
    const [commands, account] = await places.count(() => visitor.get('/account'))
    expect(account.text).toContain('Signed in as')
    // The session, and the subject's list of sessions, sent together.
    expect(commands).toBe(2)
    await visitor.press('/account', 'Log out')
    expect(visitor.cookies.size).toBe(0)
    expect((await visitor.get('/account')).headers.get('Location')).toBe('/')
  })

  it('saves after the response', async () => {
    const visitor = places.visitor()
    await visitor.send('POST', '/api/cart', { body: 'hat' })
    await visitor.get('/late')
    await expect.poll(async () => (await visitor.get('/late')).text).toMatch(/id="visits">[1-9]/)
  })
}

/** The lines that are not Next.js' own: how it starts, what it compiles, and each request. */
function unusual(log: string): string[] {
  const usual = /^(▲|✓|○|- | (GET|POST) |$)/
  // oxlint-disable-next-line no-control-regex
  const lines = log.replaceAll(/\u001b\[[?\d;]*[a-z]/gi, '').split('\n')
  return lines.filter((line) => !usual.test(line))
}

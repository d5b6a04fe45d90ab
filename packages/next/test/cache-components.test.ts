import { beforeAll, describe, expect, it } from 'vitest'
import { build, copyApp, starter } from './apps.ts'
import { usePlaces } from './places.ts'

describe('cacheComponents', () => {
  const app = copyApp('fixtures/cache-components', 16)
  beforeAll(() => build(app), 300_000)
  const places = usePlaces(() => starter(app))

  it('prerenders the shell, and reads the session once for all that is behind Suspense', async () => {
    const visitor = places.visitor()
    await visitor.get('/who?see')
    const [commands, answer] = await places.count(() => visitor.get('/who'))
    expect(answer.text).toContain('<h1>The shell</h1>')
    expect(
      answer.text.match(/&quot;seen&quot;:1,&quot;cached&quot;:&quot;seen 1&quot;/g),
    ).toHaveLength(2)
    expect(commands).toBe(1)
  })

  it('shows a session that the proxy issued in the same pass, in 1 command', async () => {
    const [commands, answer] = await places.count(() => places.visitor().get('/who?see'))
    expect(answer.text).toContain('&quot;seen&quot;:1')
    expect(answer.tickets).toHaveLength(1)
    expect(commands).toBe(1)
  })

  it('shows no visitor what is another’s', async () => {
    await places.visitor().get('/who?see')
    const { text } = await places.visitor().get('/who')
    expect(text).toContain('&quot;seen&quot;:0')
    expect(text).not.toContain('&quot;seen&quot;:1')
  })

  it('lets no cache keep a page that was made for one visitor, or that sets the cookie', async () => {
    const visitor = places.visitor()
    const issued = await visitor.get('/static?see')
    expect(issued.tickets).toHaveLength(1)
    expect(issued.headers.get('Cache-Control')).toBe('private, no-store')
    const { headers } = await visitor.get('/who')
    expect(headers.get('Cache-Control')).toMatch(/\bno-store\b/)
  })

  it('makes no trip for a page that never asks', async () => {
    const visitor = places.visitor()
    await visitor.get('/who?see')
    const [commands] = await places.count(() => visitor.get('/static'))
    expect(commands).toBe(0)
  })

  it('refuses a session inside use cache', async () => {
    const visitor = places.visitor()
    await visitor.get('/who?see')
    const { text } = await visitor.get('/cached')
    expect(text).toMatch(/refused/)
  })
})

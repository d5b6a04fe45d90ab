import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import type { App } from './app.ts'
import type { Answer, SessionView } from './visitor.ts'

/** Where the token may appear, and how it is parsed. */
export function describeToken(app: App): void {
  describe('the token', () => {
    it('S23: is only in Set-Cookie, in every answer', async () => {
      const visitor = await app.guest({ user: 'Ada', cart: { Hat: 1 } })
      const tokens: string[] = []
      const answers: Answer[] = []
      const requests = [
        ...paths.map((path) => () => visitor.get(path)),
        () => visitor.send('GET', '/', undefined, { RSC: '1' }),
        () => visitor.send('OPTIONS', '/'),
        () =>
          visitor.send('PATCH', '/api/session', 'no JSON', { 'Content-Type': 'application/json' }),
        () => visitor.patch({ set: { coat: 'wool' } }),
        () => visitor.increment('visits'),
        () => visitor.login('ada'),
        () => visitor.get('/'),
        async () => (await visitor.submit('Count a visit')).page,
        () => visitor.logout(),
      ]
      for (const ask of requests) {
        if (visitor.cookie !== '') tokens.push(tokenOf(visitor.cookie))
        answers.push(await ask())
        if (visitor.cookie !== '') tokens.push(tokenOf(visitor.cookie))
      }
      expect(new Set(tokens).size).toBe(2)
      for (const answer of answers) expect(shownIn(answer, tokens)).toEqual([])
      const leak = { headers: new Headers(), text: `<p>${tokens[0]}</p>` }
      expect(shownIn(leak, tokens)).toEqual([tokens[0]])
    })

    it('S68: is found among several Cookie lines, and is ignored beside another one of its name', async () => {
      const { cookie } = await app.guest()
      const other = cookie.replace(/=.*/, `=${'A'.repeat(43)}`)
      const states = []
      for (const lines of [
        ['a=1', cookie, 'b=2'],
        [cookie, 'a=1'],
        [`a=1; ${cookie}`],
        [cookie, cookie],
        [cookie, other],
        [`${other}; ${cookie}`],
      ]) {
        states.push((await askWith(app.url, lines)).state)
      }
      expect(states).toEqual(['live', 'live', 'live', 'live', 'new', 'new'])
    })
  })
}

/** Pages, API responses, the data that frameworks load for a page, and a path that does not exist. */
const paths = [
  '/',
  '/public',
  '/api/session',
  '/__data.json',
  '/_root.data',
  '/?_rsc=1',
  '/nothing-here',
]

const tokenOf = (cookie: string): string => cookie.slice(cookie.indexOf('=') + 1)

/** The tokens that an answer contains outside of Set-Cookie. */
function shownIn(
  { text: body, headers }: Pick<Answer, 'headers' | 'text'>,
  tokens: readonly string[],
): readonly string[] {
  const said = [...headers]
    .filter(([name]) => name !== 'set-cookie')
    .map(([name, value]) => `${name}: ${value}`)
  const all = [body, ...said].join('\n')
  return [...new Set(tokens)].filter((token) => all.includes(token))
}

/** Requests the session with several Cookie lines, which `fetch` would join. */
async function askWith(url: string, lines: readonly string[]): Promise<SessionView> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const cookies = lines.map((line) => `Cookie: ${line}\r\n`).join('')
  socket.write(
    `GET /api/session HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: close\r\n${cookies}\r\n`,
  )
  const response = await text(socket)
  return JSON.parse(
    response.slice(response.indexOf('{'), response.lastIndexOf('}') + 1),
  ) as SessionView
}

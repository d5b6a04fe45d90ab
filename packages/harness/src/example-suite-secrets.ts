import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { App } from './example-suite-app.ts'
import type { Answer, SessionView } from './example-suite-visitor.ts'

/** Where a token may stand, and how it is read. */
export function describeSecrets(app: App): void {
  describe('the token', () => {
    it('S23: is in Set-Cookie alone, whatever is asked and answered', async () => {
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

    it('S68: is found among several Cookie lines, and not where it is there twice', async () => {
      const { cookie } = await app.guest()
      const states = []
      for (const lines of [
        ['a=1', cookie, 'b=2'],
        [cookie, 'a=1'],
        [`a=1; ${cookie}`],
        [cookie, cookie],
      ]) {
        states.push((await askWith(app.url, lines)).state)
      }
      expect(states).toEqual(['live', 'live', 'live', 'new'])
    })
  })
}

/** Pages, answers, what the frameworks load for a page, and what is not there. */
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

/** Those of the tokens that an answer shows, outside of Set-Cookie. */
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

/** Asks for the session with Cookie lines as they are, which `fetch` would join. */
async function askWith(url: string, lines: readonly string[]): Promise<SessionView> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const cookies = lines.map((line) => `Cookie: ${line}\r\n`).join('')
  socket.write(
    `GET /api/session HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: close\r\n${cookies}\r\n`,
  )
  const said = await text(socket)
  return JSON.parse(said.slice(said.indexOf('{'), said.lastIndexOf('}') + 1)) as SessionView
}

/** What only a server has: names of ours that minifiers leave alone, and the key derivation's. */
const marks = /@coatcheck\/|createSessions|memcachedStore|memjs|hkdf|__Host-Http-|coatcheck:/i

/** What browsers load of a built application holds nothing of a session's keeping. */
export function describeBundle(client: string, server: string): void {
  describe('what browsers load', () => {
    it('S4: has nothing in it of the core and of the store', () => {
      const files = filesIn(client)
      expect(files.length).toBeGreaterThan(0)
      const marked = files.filter((file) => marks.test(readFileSync(file, 'latin1')))
      expect(marked).toEqual([])
      expect(filesIn(server).some((file) => marks.test(readFileSync(file, 'latin1')))).toBe(true)
    })
  })
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

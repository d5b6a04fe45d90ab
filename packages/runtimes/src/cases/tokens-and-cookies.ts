import type { Case } from '../case.ts'
import { equal, holds } from '../check.ts'
import { setUp } from '../desk.ts'

const name = '__Host-Http-sid'

/** A `Cookie` header around the right token, and whether the session is found. */
const headers: readonly [what: string, header: (token: string) => string, state: string][] = [
  ['the cookie alone', (token) => `${name}=${token}`, 'live'],
  ['between others', (token) => `a=1; ${name}=${token}; b=2`, 'live'],
  ['without spaces', (token) => `a=1;${name}=${token};b=2`, 'live'],
  ['with tabs and spaces around it', (token) => `a=1;\t ${name}=${token}\t ;b`, 'live'],
  ['after a cookie without a name', (token) => `=x; ${name}=${token}`, 'live'],
  ['after a cookie that cannot be decoded', (token) => `a=%E0%A4%A; ${name}=${token}`, 'live'],
  ['twice with one value', (token) => `${name}=${token}; ${name}=${token}`, 'live'],
  ['twice with two values', (token) => `${name}=${token}; ${name}=${'A'.repeat(43)}`, 'new'],
  ['under a name in other case', (token) => `${name.toLowerCase()}=${token}`, 'new'],
  ['in quotes', (token) => `${name}="${token}"`, 'new'],
  ['one character short', (token) => `${name}=${token.slice(1)}`, 'new'],
  ['with a character more', (token) => `${name}=${token}A`, 'new'],
  ['with padding', (token) => `${name}=${token}=`, 'new'],
  ['with another last bit', (token) => `${name}=${token.slice(0, -1)}B`, 'new'],
  ['empty', () => `${name}=`, 'new'],
  ['in a value of another', (token) => `a=${name}=${token}`, 'new'],
  ['separated by a comma', (token) => `a=1, ${name}=${token}`, 'new'],
]

export const tokensAndCookies: readonly Case[] = [
  {
    feature: 'tokens',
    name: 'a token has 43 characters, and no two are alike',
    async run(world) {
      const { visit } = setUp(world)
      const tokens = new Set<string>()
      for (let each = 0; each < 20; each++) {
        const { committed } = await visit('', ({ data }) => void (data['a'] = 1))
        tokens.add(committed.cookie!.value)
        holds(/^[A-Za-z0-9_-]{43}$/.test(committed.cookie!.value), 'the form of a token')
      }
      equal(tokens.size, 20)
    },
  },
  {
    feature: 'tokens',
    name: 'an unknown token is never adopted',
    async run(world) {
      const { visit } = setUp(world)
      const planted = `${name}=${'A'.repeat(43)}`
      const { committed } = await visit(planted, ({ data }) => void (data['a'] = 1))
      equal(committed.outcome, 'created')
      holds(committed.cookie!.value !== 'A'.repeat(43), 'another token')
    },
  },
  {
    feature: 'tokens',
    name: 'a value that is no token does not reach the store',
    async run(world) {
      const { visit, trips, events } = setUp(world)
      await visit(`${name}=short`)
      equal(trips(), 0)
      equal(events[0]!.type, 'token.malformed')
    },
  },
  {
    feature: 'tokens',
    name: 'the id is not the token, and the store sees the id alone',
    async run(world) {
      const { sessions, visit, store } = setUp(world)
      const { cookie } = await visit('', ({ data }) => void (data['a'] = 1))
      const { session } = await sessions.open(cookie)
      holds(!cookie.includes(session.id!), 'an id of its own')
      holds((await store.load(session.id!)) !== null, 'the record under the id')
    },
  },
  {
    feature: 'tokens',
    name: 'the token for forms is that of the session alone',
    async run(world) {
      const { sessions, visit } = setUp(world)
      const mine = await visit('', ({ data }) => void (data['a'] = 1))
      const other = await visit('', ({ data }) => void (data['a'] = 1))
      const token = await (await sessions.open(mine.cookie)).session.csrfToken()
      equal(await (await sessions.open(mine.cookie)).session.verifyCsrf(token), true)
      equal(await (await sessions.open(other.cookie)).session.verifyCsrf(token), false)
    },
  },
  ...headers.map(([what, header, state]): Case => ({
    feature: 'cookies',
    name: `the cookie ${what}: ${state}`,
    async run(world) {
      const { visit } = setUp(world)
      const { committed } = await visit('', ({ data }) => void (data['a'] = 1))
      // A token whose last character can be another one.
      const { value } = committed.cookie!
      const found = await visit(header(value))
      const isSame = value.endsWith('B') && what === 'with another last bit'
      if (!isSame) equal(found.state, state)
    },
  })),
]

/** How others read and write the Cookie header: chromium, which writes it, a library, HTTP/2. */
import { once } from 'node:events'
import { connect, createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { createSessions } from '@coatcheck/core'
import type { Sessions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { launchChromium } from '@coatcheck/harness/chromium'
import { parseCookie } from 'cookie'
import { beforeAll, describe, expect, it } from 'vitest'
import { valuesOf } from '@coatcheck/proof/cookie-oracle'
import { createPrng } from '@coatcheck/proof/prng'
import type { Prng } from '@coatcheck/proof/prng'
import { createVisitor, increment } from '../visitor.ts'
import { serveHttp } from './https.ts'
import { through } from './stores.ts'

type Data = Record<string, unknown>

const name = 'sid'
let commands = 0
let sessions: Sessions<Data>
/** Tokens of live sessions; each session holds its own place in this list. */
const tokens: string[] = []

beforeAll(async () => {
  const store = through(memoryStore(), () => void commands++)
  sessions = createSessions<Data>({ store, secrets: 'none', cookie: { plainHttp: true } })
  for (let at = 0; at < 3; at++) {
    const visitor = createVisitor(sessions)
    await visitor.visit(({ data }) => void (data['at'] = at))
    tokens.push(visitor.cookie.slice(name.length + 1))
  }
})

/** Whose session a header leads to in the core. */
async function read(header: string): Promise<number | null> {
  const { session } = await sessions.open(header)
  return (session.data['at'] as number | undefined) ?? null
}

/** Whose session it is, by the values that another reader found under the name. */
function ownerOf(values: readonly (string | undefined)[]): number | null {
  const [value, ...more] = new Set(values)
  return more.length > 0 || value === undefined || !tokens.includes(value)
    ? null
    : tokens.indexOf(value)
}

const blanks = ['', '', '', '', ' ', ' ', '\t', '  ', '\u00a0', '\v', '\f', '\u0085']
const oddities = [
  '=',
  ',',
  '"',
  '%',
  '%20',
  '\\',
  'é',
  '\u00a0',
  '$',
  '#',
  '/',
  ':',
  '\u0001',
  '\u007f',
]

/** No server can send these in a header. */
const unsendable = /[\p{Cc}--\t]/gv

function nameNear(prng: Prng): string {
  if (prng.chance(0.5)) return name
  const near = [
    name,
    name,
    'SID',
    'Sid',
    '%73id',
    '"sid"',
    'si',
    'sid2',
    '$sid',
    '',
    'a',
    '__Host-sid',
  ]
  return prng.pick(blanks) + prng.pick(near) + prng.pick(blanks)
}

function valueNear(prng: Prng): string {
  const token = prng.pick(tokens)
  if (prng.chance(0.5)) return token
  const odd = prng.pick(oddities)
  const near = [
    token,
    token,
    token,
    `"${token}"`,
    `${odd}${token}`,
    `${token}${odd}`,
    `a, ${name}=${token}`,
    odd,
    '',
  ]
  return prng.pick(blanks) + prng.pick(near) + prng.pick(blanks)
}

describe('the Cookie header', () => {
  it('S44: is read as the library cookie reads it, except for two cookies of the name, which the library does not detect', async () => {
    const prng = createPrng(44)
    const seen = { found: 0, twice: 0 }
    for (let n = 0; n < 100_000; n++) {
      const pairs = Array.from({ length: 1 + prng.below(4) }, () => {
        return prng.chance(0.1) ? nameNear(prng) : `${nameNear(prng)}=${valueNear(prng)}`
      })
      const header = pairs.join(prng.pick([';', '; ', '; ', ';;', ' ;\t']))
      const ours = await read(header)
      const theirs = ownerOf([parseCookie(header, { decode: (value) => value })[name]])
      if (ours !== null) seen.found++
      if (ours === theirs) continue
      const isTwice = ours === null && new Set(valuesOf(header, name)).size > 1
      if (!isTwice) throw new Error(`${ours} and ${theirs}: ${JSON.stringify(header)}`)
      seen.twice++
    }
    expect(seen.found).toBeGreaterThan(10_000)
    expect(seen.twice).toBeGreaterThan(1000)
  }, 300_000)

  it('S44: is read as chromium’s jar has it', async () => {
    const prng = createPrng(45)
    let lines: readonly string[] = []
    const site = await serveHttp(async (request) => {
      const { pathname } = new URL(request.url)
      if (pathname === '/read')
        return Response.json({ header: request.headers.get('Cookie') ?? '' })
      const response = new Response(pathname)
      if (pathname === '/set') for (const line of lines) response.headers.append('Set-Cookie', line)
      return response
    })
    const browser = await launchChromium()
    try {
      const context = await browser.newContext()
      const page = await context.newPage()
      await page.goto(`${site.origin}/`)
      const seen = { none: 0, found: 0, twice: 0 }
      for (let round = 0; round < 200; round++) {
        await context.clearCookies()
        lines = Array.from({ length: 1 + prng.below(3) }, () => {
          const pair = `${nameNear(prng)}=${valueNear(prng)}`.replaceAll(unsendable, '')
          const attributes = prng.pick([
            '',
            '; Path=/',
            '; Path=/read',
            '; HttpOnly',
            '; Domain=127.0.0.1',
          ])
          // As UTF-8: of other bytes the list of the jar says nothing true.
          return Buffer.from(pair + attributes, 'utf8').toString('latin1')
        })
        const header = await page.evaluate(async () => {
          await fetch('/set')
          return ((await (await fetch('/read')).json()) as { header: string }).header
        })
        const jar = (await context.cookies(`${site.origin}/read`)).filter(
          (cookie) => cookie.name === name,
        )
        const ours = await read(header)
        expect([lines, header, ours]).toEqual([
          lines,
          header,
          ownerOf(jar.map(({ value }) => value)),
        ])
        if (new Set(jar.map(({ value }) => value)).size > 1) seen.twice++
        else if (ours === null) seen.none++
        else seen.found++
      }
      for (const count of Object.values(seen)) expect(count).toBeGreaterThan(10)
    } finally {
      await browser.close()
      await site.close()
    }
  }, 300_000)

  it('S68: is one header if HTTP/2 has split it into several fields', async () => {
    const server = createServer((request, response) => {
      void read(request.headers.cookie ?? '').then((at) => response.end(String(at)))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const ask = async (cookie: string[]): Promise<string> => {
      const stream = client.request({ ':path': '/', cookie })
      const chunks: string[] = []
      for await (const chunk of stream) chunks.push(String(chunk))
      return chunks.join('')
    }
    const own = `${name}=${tokens[1]}`
    expect(await ask(['a=1', own, 'b=2'])).toBe('1')
    expect(await ask([own])).toBe('1')
    expect(await ask([own, `${name}=${tokens[2]}`])).toBe('null')
    client.close()
    await new Promise((done) => server.close(done))
  })

  it('S68: is not split at commas, which occur in values of other cookies', async () => {
    const own = `${name}=${tokens[0]}`
    commands = 0
    for (const header of [
      `theme=a, ${own}`,
      `${own}, b=2`,
      `a=1,${own}`,
      `a=1, ${own}, b=2`,
      `${own},${own}`,
    ]) {
      expect([header, await read(header)]).toEqual([header, null])
    }
    expect(commands).toBe(0)
    expect(await read(`theme=a, b; ${own}`)).toBe(0)
  })

  it('S68: is joined with a semicolon by the Headers of this runtime', async () => {
    const visitor = createVisitor(sessions, `${name}=${tokens[2]}`)
    await visitor.visit(increment)
    const headers = new Headers([
      ['Cookie', 'a=1'],
      ['Cookie', visitor.cookie],
      ['Cookie', 'b=2'],
    ])
    expect(await read(headers.get('Cookie') as string)).toBe(2)
  })
})

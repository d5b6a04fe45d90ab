import { randomBytes } from 'node:crypto'
import { answerText, noSession, routeOf, webSite } from '../drive/web-site.ts'
import type { Circumstances, Contender, Site } from './contender.ts'
import { connectRaw } from './raw-client.ts'

/** Only the commands that Coatcheck sends: the cookie is the key, and the value begins with the counter. */
function start({ memcached, newData }: Circumstances): Site {
  const client = connectRaw(memcached)
  return webSite(
    async (request) => {
      const route = routeOf(request)
      if (route === 'untouched') return answerText('ok')
      if (route === 'create') {
        const key = randomBytes(32).toString('base64url')
        await client.send(writing(key, 'ME', valueOf(0, JSON.stringify(newData()))), true)
        return withCookie(key)
      }
      const key = request.headers.get('cookie')?.slice('sid='.length) ?? ''
      if (route === 'sign-out') {
        await client.send(`md ${key}\r\n`, false)
        return answerText('out')
      }
      const found = await client.send(`mg ${key} v c T86400\r\n`, false)
      // A mark contains the key of another record.
      if (found === null || Number.isNaN(counterOf(found.value))) return noSession()
      if (route === 'read') return answerText(counterOf(found.value))
      if (route === 'change') {
        const n = counterOf(found.value) + 1
        const value = valueOf(n, found.value.toString('latin1', counterLength))
        await client.send(writing(key, `MR C${found.cas}`, value), true)
        return answerText(n)
      }
      const moved = randomBytes(32).toString('base64url')
      await client.send(writing(moved, 'ME', found.value.toString('latin1')), true)
      await client.send(writing(key, `MR C${found.cas}`, moved), true)
      return withCookie(moved)
    },
    () => client.close(),
  )
}

const counterLength = 10

const valueOf = (n: number, rest: string): string => String(n).padStart(counterLength, '0') + rest

const counterOf = (value: Buffer): number => Number(value.toString('latin1', 0, counterLength))

const writing = (key: string, mode: string, value: string): string =>
  `ms ${key} ${value.length} T86400 ${mode}\r\n${value}\r\n`

function withCookie(key: string): Response {
  return new Response('ok', {
    headers: { 'set-cookie': `sid=${key}; Path=/; HttpOnly; Secure; SameSite=Lax` },
  })
}

export const contenders: readonly Contender[] = [
  {
    name: 'raw memcached',
    store: 'memcached',
    floor: 'web',
    packages: [],
    without: ['unasked', 'sign-in'],
    start: async (circumstances) => start(circumstances),
  },
]

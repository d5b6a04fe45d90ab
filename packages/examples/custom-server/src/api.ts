import { setTimeout as sleep } from 'node:timers/promises'
import type { Failure } from '@coatcheck/core'
import { readObject } from './body.ts'
import { Refusal } from './refusal.ts'
import type { Handler, Routes } from './routes.ts'
import { increment } from './visitors.ts'
import type { Visitors, VisitorSession } from './visitors.ts'

/** What a request does to a session. */
type Edit = (session: VisitorSession) => void

const longestDelay = 10_000

/** The JSON side of the application. */
export function apiRoutes(visitors: Pick<Visitors, 'handle'>): Routes {
  const read: Handler = (request) => visitors.handle(request, show)
  const logout: Handler = (request) => visitors.handle(request, end, { onFailure })
  const slowly =
    (readEdit: (request: Request, url: URL) => Edit | Promise<Edit>): Handler =>
    async (request, url) => {
      const delay = readDelay(url)
      const edit = await readEdit(request, url)
      const handler = async (session: VisitorSession): Promise<Response> => {
        await sleep(delay)
        edit(session)
        return show(session)
      }
      return visitors.handle(request, handler, { onFailure })
    }

  return new Map([
    ['/api/session', { GET: read, PATCH: slowly(readPatch) }],
    ['/api/increment', { POST: slowly(readIncrement) }],
    ['/api/login', { POST: slowly(readLogin) }],
    ['/api/logout', { POST: logout }],
  ])
}

function show({ state, data }: VisitorSession): Response {
  return answer({ state, data })
}

function end(session: VisitorSession): Response {
  session.destroy()
  return answer({ state: 'new', data: {} })
}

/** A request that a sign-out or a sign-in overtook (`gone`, `moved`) answers as it saw the session. */
export function onFailure({ outcome }: Failure): Response | void {
  if (outcome !== 'gone' && outcome !== 'moved')
    return answer({ state: 'unavailable', data: {} }, 503)
}

function answer(body: { state: string; data: object }, status = 200): Response {
  return Response.json(body, { status, headers: { 'Cache-Control': 'private, no-store' } })
}

function readDelay(url: URL): number {
  const text = url.searchParams.get('delay') ?? '0'
  const delay = Number(text)
  if (/^\d{1,5}$/.test(text) && delay <= longestDelay) return delay
  throw new Refusal(400, `delay must be a whole number from 0 to ${longestDelay}`)
}

async function readPatch(request: Request): Promise<Edit> {
  const { set = {}, delete: deleted = [] } = await readObject(request)
  if (typeof set !== 'object' || set === null || Array.isArray(set)) {
    throw new Refusal(400, 'set must be an object')
  }
  if (!Array.isArray(deleted) || !deleted.every((key) => typeof key === 'string')) {
    throw new Refusal(400, 'delete must be a list of keys')
  }
  const entries = Object.entries(set)
  for (const key of [...entries.map(([name]) => name), ...deleted]) checkKey(key)
  return ({ data }) => {
    for (const [key, value] of entries) data[key] = value
    for (const key of deleted) delete data[key]
  }
}

function readIncrement(_request: Request, url: URL): Edit {
  const key = url.searchParams.get('key')
  if (key === null) throw new Refusal(400, 'key is missing')
  checkKey(key)
  return ({ data }) => {
    if (!increment(data, key)) throw new Refusal(400, 'The key holds something else than a number')
  }
}

/** The API shows `renew`, which a logout overtakes. A login calls `signIn`, as the page's form does. */
async function readLogin(request: Request): Promise<Edit> {
  const { user } = await readObject(request)
  if (typeof user !== 'string' || user === '') throw new Refusal(400, 'user must be a name')
  return (session) => {
    session.renew()
    session.data.user = user
  }
}

function checkKey(key: string): void {
  if (key === '__proto__') throw new Refusal(400, 'A key must not be named __proto__')
}

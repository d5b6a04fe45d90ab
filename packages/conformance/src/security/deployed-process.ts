/**
 * One process of a deployed app. Arguments: the server's address, and its secrets. Reads one line of JSON per request,
 * `{ cookie, act, subject }`, and writes one per response.
 */
import { createInterface } from 'node:readline'
import { createSessions, sum } from '@coatcheck/core'
import type { SessionEvent } from '@coatcheck/core'
import { openStore } from '../open-store.ts'

const [address = '', ...secrets] = process.argv.slice(2)
const store = openStore(address, { deadline: 2000 })
let events: SessionEvent[] = []
const sessions = createSessions<{ count: number }>({
  store,
  secrets,
  merge: { count: sum },
  onEvent: (event) => events.push(event),
})

export interface Asked {
  readonly cookie: string
  readonly act: 'visit' | 'count' | 'signIn' | 'renew' | 'destroy'
  /** The account to sign in. */
  readonly subject: string
}

export interface Answered {
  readonly status: number
  readonly setCookie: string | null
  readonly state: string
  readonly subject: string | null
  readonly count: number | null
  readonly events: readonly string[]
}

async function answer({ cookie, act, subject: name }: Asked): Promise<Answered> {
  events = []
  const seen = { state: '', subject: null as string | null, count: null as number | null }
  const request = new Request('https://app.example/', { headers: { Cookie: cookie } })
  const response = await sessions.handle(request, (session) => {
    const { state, subject, data } = session
    Object.assign(seen, { state, subject, count: data.count ?? null })
    if (act === 'signIn') session.signIn(name)
    else if (act === 'renew' || act === 'destroy') session[act]()
    else if (act === 'count') data.count = (data.count ?? 0) + 1
    return new Response('done')
  })
  const [setCookie = null] = response.headers.getSetCookie()
  const told = events.map((event) =>
    'reason' in event ? `${event.type} ${event.reason}` : event.type,
  )
  return { status: response.status, setCookie, ...seen, events: told }
}

await store.check()
process.stdout.write('ready\n')
for await (const line of createInterface(process.stdin)) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line) as Asked))}\n`)
}
store.close()

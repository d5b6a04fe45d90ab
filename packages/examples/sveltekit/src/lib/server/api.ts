import type { Failure, Session } from '@coatcheck/core'
import { getSession } from '@coatcheck/sveltekit'
import type { RequestEvent } from '@sveltejs/kit'
import { json } from '@sveltejs/kit'
import { setTimeout as sleep } from 'node:timers/promises'
import { Refusal } from './refusal.ts'
import { save } from './save.ts'

/** A request's change to the session. */
type Edit = (session: Session) => void

const longestDelay = 10_000
const longestBody = 64 * 1024

/** An endpoint that reads the session, waits for `delay`, changes it, and saves it before the response. */
export function change(readEdit: (event: RequestEvent) => Edit | Promise<Edit>) {
  return async (event: RequestEvent): Promise<Response> => {
    try {
      const delay = readDelay(event.url)
      const edit = await readEdit(event)
      const session = await getSession(event)
      await sleep(delay)
      edit(session)
      return (await save(event)) === 'failed' ? unavailable() : show(session)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return json({ error: error.message }, { status: error.status })
    }
  }
}

export function show({ state, data }: Pick<Session, 'state' | 'data'>, status = 200): Response {
  return json({ state, data }, { status, headers: { 'Cache-Control': 'private, no-store' } })
}

export function unavailable(): Response {
  return show({ state: 'unavailable', data: {} }, 503)
}

/** A request that a sign-out or a sign-in overtook (`gone`, `moved`) answers as it saw the session. */
export function onFailure({ outcome }: Failure): Response | void {
  if (outcome !== 'gone' && outcome !== 'moved') return unavailable()
}

export function checkKey(key: string): void {
  if (key === '__proto__') throw new Refusal('Nothing can be stored under the name __proto__')
}

/** The body of a request, a JSON object. */
export async function readObject(request: Request): Promise<Record<string, unknown>> {
  const bytes = await request.arrayBuffer()
  if (bytes.byteLength > longestBody) throw new Refusal('The body must have at most 64 KiB')
  const value = parse(new TextDecoder().decode(bytes))
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>
  }
  throw new Refusal('The body must be a JSON object')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Refusal('The body must be JSON')
  }
}

function readDelay(url: URL): number {
  const text = url.searchParams.get('delay') ?? '0'
  const delay = Number(text)
  if (/^\d{1,5}$/.test(text) && delay <= longestDelay) return delay
  throw new Refusal(`delay must be a whole number from 0 to ${longestDelay}`)
}

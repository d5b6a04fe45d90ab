import type { Session } from '@coatcheck/core'
import { getSession } from '@coatcheck/remix'
import { setTimeout as sleep } from 'node:timers/promises'
import type { sessions } from './sessions.server.ts'

/** What a request does to a session. */
export type Edit = (session: Session) => void

const longestDelay = 10_000
const longestBody = 64 * 1024

/** Reads the session, takes its time, and changes it. The middleware saves it. */
export async function change(context: unknown, url: URL, edit: Edit): Promise<Response> {
  const delay = readDelay(url)
  const session = await getSession<typeof sessions>(context)
  await sleep(delay)
  edit(session)
  return show(session, session.state === 'unavailable' ? 503 : 200)
}

export function show({ state, data }: Pick<Session, 'state' | 'data'>, status = 200): Response {
  const headers = { 'Cache-Control': 'private, no-store' }
  return Response.json({ state, data: state === 'unavailable' ? {} : data }, { status, headers })
}

/** To be thrown. */
export function refusal(error: string): Response {
  return Response.json({ error }, { status: 400 })
}

export function checkKey(key: string): void {
  if (key === '__proto__') throw refusal('A key must not be named __proto__')
}

/** The body of a request as JSON that is an object. */
export async function readObject(request: Request): Promise<Record<string, unknown>> {
  const bytes = await request.arrayBuffer()
  if (bytes.byteLength > longestBody) throw refusal('The body must have at most 64 KiB')
  const value = parse(new TextDecoder().decode(bytes))
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>
  }
  throw refusal('The body must be a JSON object')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw refusal('The body must be JSON')
  }
}

function readDelay(url: URL): number {
  const text = url.searchParams.get('delay') ?? '0'
  const delay = Number(text)
  if (/^\d{1,5}$/.test(text) && delay <= longestDelay) return delay
  throw refusal(`delay must be a whole number from 0 to ${longestDelay}`)
}

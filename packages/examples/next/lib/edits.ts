import type { Session } from '@coatcheck/core'
import { Refusal } from './answers.ts'
import { addToCart, increment } from './visitor.ts'

/** What a request does to a session. */
export type Edit = (session: Session) => void

const longestDelay = 10_000
const longestBody = 64 * 1024
const longestField = 60

export function readDelay({ url }: Request): number {
  const text = new URL(url).searchParams.get('delay') ?? '0'
  const delay = Number(text)
  if (/^\d{1,5}$/.test(text) && delay <= longestDelay) return delay
  throw new Refusal(`delay must be a whole number from 0 to ${longestDelay}`)
}

export async function readPatch(request: Request): Promise<Edit> {
  const { set = {}, delete: deleted = [] } = await readObject(request)
  if (typeof set !== 'object' || set === null || Array.isArray(set)) {
    throw new Refusal('set must be an object')
  }
  if (!Array.isArray(deleted) || !deleted.every((key) => typeof key === 'string')) {
    throw new Refusal('delete must be a list of keys')
  }
  const entries = Object.entries(set)
  for (const key of [...entries.map(([name]) => name), ...deleted]) checkKey(key)
  return ({ data }) => {
    for (const [key, value] of entries) data[key] = value
    for (const key of deleted) delete data[key]
  }
}

export function readIncrement({ url }: Request): Edit {
  const key = new URL(url).searchParams.get('key')
  if (key === null) throw new Refusal('key is missing')
  checkKey(key)
  return ({ data }) => {
    if (!increment(data, key)) throw new Refusal('The key does not hold a number')
  }
}

export async function readLogin(request: Request): Promise<Edit> {
  const { user } = await readObject(request)
  if (typeof user !== 'string' || user === '') throw new Refusal('user must be a name')
  return (session) => {
    session.renew()
    session.data['user'] = user
  }
}

/** The page's form. An application checks a password first. */
export function signIn(user: string): Edit {
  return (session) => {
    session.signIn(user)
    session.data['user'] = user
  }
}

export const countVisit: Edit = ({ data }) => void increment(data, 'visits')

export function putInCart(item: string): Edit {
  return ({ data }) => addToCart(data, item)
}

export function readField(form: FormData, name: string): string {
  const value = form.get(name)
  const text = typeof value === 'string' ? value.trim() : ''
  if (text !== '' && text.length <= longestField && text !== '__proto__') return text
  throw new Refusal(`Please fill this in, with at most ${longestField} characters`)
}

async function readObject(request: Request): Promise<Record<string, unknown>> {
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

function checkKey(key: string): void {
  if (key === '__proto__') throw new Refusal('A key must not be named __proto__')
}

import type { Session } from '@coatcheck/core'
import { refusal } from './answers.server.ts'
import { addToCart, increment } from './visitor.ts'

/** A request's change to the session. */
export type Edit = (session: Session) => void

const longestDelay = 10_000
const longestBody = 64 * 1024
const longestField = 60

export function readDelay({ searchParams }: URL): number {
  const text = searchParams.get('delay') ?? '0'
  const delay = Number(text)
  if (/^\d{1,5}$/.test(text) && delay <= longestDelay) return delay
  throw refusal(`delay must be a whole number from 0 to ${longestDelay}`)
}

export async function readPatch(request: Request): Promise<Edit> {
  const { set = {}, delete: deleted = [] } = await readObject(request)
  if (typeof set !== 'object' || set === null || Array.isArray(set)) {
    throw refusal('set must be an object')
  }
  if (!Array.isArray(deleted) || !deleted.every((key) => typeof key === 'string')) {
    throw refusal('delete must be a list of keys')
  }
  const entries = Object.entries(set)
  for (const key of [...entries.map(([name]) => name), ...deleted]) checkKey(key)
  return ({ data }) => {
    for (const [key, value] of entries) data[key] = value
    for (const key of deleted) delete data[key]
  }
}

export function readIncrement({ searchParams }: URL): Edit {
  const key = searchParams.get('key')
  if (key === null) throw refusal('key is missing')
  checkKey(key)
  return ({ data }) => {
    if (!increment(data, key)) throw refusal('The value of the key is not a number')
  }
}

/** The API shows `renew`, which a logout overtakes. A login calls `signIn`, as the page's form does. */
export async function readLogin(request: Request): Promise<Edit> {
  const { user } = await readObject(request)
  if (typeof user !== 'string' || user === '') throw refusal('user must be a name')
  return (session) => {
    session.renew()
    session.data['user'] = user
  }
}

/** The change that a form of the page asks for. Throws a Response with a text for people. */
export function readForm(form: FormData): Edit {
  switch (form.get('intent')) {
    case 'sign-in':
      return signIn(readField(form, 'user'))
    case 'sign-out':
      return ({ destroy }) => destroy()
    case 'visit':
      return ({ data }) => void increment(data, 'visits')
    case 'add': {
      const item = readField(form, 'item')
      return ({ data }) => addToCart(data, item)
    }
    default:
      throw new Response('There is no such form', { status: 400 })
  }
}

function signIn(user: string): Edit {
  return (session) => {
    session.signIn(user)
    session.data['user'] = user
  }
}

function readField(form: FormData, name: string): string {
  const value = form.get(name)
  const text = typeof value === 'string' ? value.trim() : ''
  const isAccepted = text !== '' && text.length <= longestField && !text.includes('\0')
  if (isAccepted && text !== '__proto__') return text
  const message = `Please fill in the field “${name}”, with at most ${longestField} characters`
  throw new Response(message, { status: 400 })
}

async function readObject(request: Request): Promise<Record<string, unknown>> {
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

function checkKey(key: string): void {
  if (key === '__proto__') throw refusal('A key must not be named __proto__')
}

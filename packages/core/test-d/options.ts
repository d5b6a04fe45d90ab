/** Which options there are, and of what types. Compiled by `types.test.ts`, never run. */
import {
  append,
  appendUpTo,
  byKey,
  byKeyWith,
  createSessions,
  lifetimes,
  max,
  min,
  sum,
  union,
} from '@coatcheck/core'
import type {
  OnFailure,
  Outcome,
  Resolver,
  SessionEvent,
  SessionStore,
  TestingOptions,
  Versions,
} from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import type { Equal } from './expect.ts'
import { same } from './expect.ts'

const store = memoryStore()

interface Visitor {
  visits: number
  name: string
  score?: number
  tags: string[]
  roles: Set<string>
  cart: Map<string, number>
  form: { street: string }
  since: Date
  big: bigint
}

/** Nothing but the store has to be said. */
export const least = createSessions({ store })
export const full = createSessions<Visitor>({
  store,
  secrets: ['a'.repeat(32)],
  namespace: 'shop',
  cookie: {
    name: '__Host-Http-sid',
    path: '/',
    sameSite: 'lax',
    partitioned: false,
    persistent: true,
    plainHttp: false,
    secure: 'always',
    trustProxy: false,
    former: [{ name: 'sid', domain: 'example.com', path: '/app', partitioned: true }],
  },
  authKeys: ['name', 'roles'],
  lifetime: { idle: 3600, absolute: 86_400, unused: 600, rotate: 3600, persistent: lifetimes.aal1 },
  merge: { visits: sum },
  migrate: { version: 3, reads: 4, up: (data, from) => (from > 1 ? data : { ...data, visits: 0 }) },
  onEvent: (event: SessionEvent) => void event.type,
  unavailable: 'throw',
  sessionsPerSubject: 5,
  maxBytes: 65_536,
  explain: true,
  onFailure: ({ outcome, asked }, response) => {
    same<Equal<typeof asked, 'sign-in' | 'renewal' | 'sign-out' | 'change'>>()
    same<Equal<typeof outcome, Outcome>>()
    same<Equal<typeof response, Response>>()
    return asked === 'change' ? undefined : new Response(outcome, { status: 503 })
  },
  testing: { now: () => 0, random: (bytes) => bytes.fill(0), wait: async () => {} },
})
export const preset = createSessions({ store, lifetime: lifetimes.aal2, secrets: 'none' })

// @ts-expect-error: where to?
createSessions({})
// @ts-expect-error: where to?
createSessions()
// @ts-expect-error: an unknown option
createSessions({ store, secret: 'x' })
// @ts-expect-error: a misspelt option
createSessions<Visitor>({ store, onevent: () => {} })
// @ts-expect-error: no key of the session
createSessions<Visitor>({ store, authKeys: ['user'] })
// @ts-expect-error: a misspelt option of the cookie
createSessions({ store, cookie: { samesite: 'lax' } })
// @ts-expect-error: under which name?
createSessions({ store, cookie: { former: [{ domain: 'example.com' }] } })
// @ts-expect-error: a misspelt value
createSessions({ store, cookie: { sameSite: 'Laxx' } })
// @ts-expect-error: cannot be switched off
createSessions({ store, cookie: { httpOnly: false } })
// @ts-expect-error: cannot be switched off
createSessions({ store, cookie: { secure: false } })
// @ts-expect-error: the lifetime says how long
createSessions({ store, cookie: { maxAge: 60 } })
// @ts-expect-error: a misspelt lifetime
createSessions({ store, lifetime: { idel: 60 } })
// @ts-expect-error: how long?
createSessions({ store, lifetime: { persistent: { idle: 60 } } })
// @ts-expect-error: of which version?
createSessions({ store, migrate: { up: (data) => data } })
// @ts-expect-error: not at once
createSessions({ store, migrate: { version: 1, up: (data) => data.then(() => data) } })
// @ts-expect-error: seconds, not text
createSessions({ store, lifetime: { idle: '1h' } })
// @ts-expect-error: a list, so that they can be rotated
createSessions({ store, secrets: 'x'.repeat(32) })
// @ts-expect-error: no event of that name
createSessions({ store, onEvent: (event) => event.type === 'login' })
// @ts-expect-error: no such reaction
createSessions({ store, unavailable: 'ignore' })
// @ts-expect-error: a clock is for tests, under `testing`
createSessions({ store, now: () => 0 })
// @ts-expect-error: no such thing to control in a test
createSessions({ store, testing: { clock: () => 0 } })
// @ts-expect-error: milliseconds, not a Date
createSessions({ store, testing: { now: () => new Date() } })
// @ts-expect-error: waits
createSessions({ store, testing: { wait: () => 0 } })
// @ts-expect-error: answers with a Response
createSessions({ store, onFailure: () => 503 })
// @ts-expect-error: a failure has no such part
createSessions({ store, onFailure: ({ status }) => new Response(status) })
// @ts-expect-error: data is an object
createSessions<string>({ store })

// A failure can be answered at once, later, or not at all.
export const waits: TestingOptions = { wait: () => Promise.resolve() }
export const answers: OnFailure[] = [
  () => {},
  () => new Response(),
  async () => {},
  async (failure, response) => (failure.asked === 'sign-in' ? new Response() : response),
]

// Stores: all four methods, of these types, over any type of version.
const { load, create, save, delete: forget } = store
export const custom: SessionStore<number> = {
  load: async () => ({ bytes: new Uint8Array(0), version: 1 }),
  create: async () => true,
  save: async (_id, _bytes, _expiresAt, version) => (version > 1 ? 'saved' : 'conflict'),
  delete: async () => 'missing',
}
createSessions({ store: custom })
createSessions({ store: { load, create, save, delete: forget } })
// @ts-expect-error: no save
createSessions({ store: { load, create, delete: forget } })
// @ts-expect-error: no delete
createSessions({ store: { load, create, save } })
// @ts-expect-error: says nothing of what became of it
createSessions({ store: { ...custom, save: async () => {} } })
// @ts-expect-error: a set that overwrites is no save
createSessions({ store: { load, create, set: save, delete: forget } })
// @ts-expect-error: loses the version
createSessions({ store: { ...custom, load: async () => new Uint8Array(0) } })

// Resolvers: each for the type of its key.
createSessions<Visitor>({
  store,
  merge: {
    visits: sum,
    score: max,
    tags: union,
    roles: union,
    cart: byKeyWith(sum),
    form: byKey,
    since: max,
    big: min,
    name: ({ ours, theirs }) => ours ?? theirs,
  },
})
createSessions<Visitor>({ store, merge: (key) => (key === 'visits' ? sum : undefined) })
createSessions({ store, merge: { anything: sum, more: union, log: append, last: appendUpTo(9) } })
createSessions<Visitor>({ store, merge: { tags: append } })
createSessions<Visitor>({ store, merge: { tags: appendUpTo(100) } })
// @ts-expect-error: nothing is appended to a Set
createSessions<Visitor>({ store, merge: { roles: append } })
// @ts-expect-error: nothing is appended to a number
createSessions<Visitor>({ store, merge: { visits: appendUpTo(100) } })
// @ts-expect-error: up to how many?
createSessions<Visitor>({ store, merge: { tags: appendUpTo } })
const shortest: Resolver<string> = ({ base, ours }: Versions<string>) => base ?? ours
createSessions<Visitor>({ store, merge: { name: shortest } })
// @ts-expect-error: a sum of text
createSessions<Visitor>({ store, merge: { name: sum } })
// @ts-expect-error: a sum of dates
createSessions<Visitor>({ store, merge: { since: sum } })
// @ts-expect-error: a sum of bigints, which sum does not take
createSessions<Visitor>({ store, merge: { big: sum } })
// @ts-expect-error: a union of numbers
createSessions<Visitor>({ store, merge: { visits: union } })
// @ts-expect-error: the greater of two lists
createSessions<Visitor>({ store, merge: { tags: max } })
// @ts-expect-error: keys of a number
createSessions<Visitor>({ store, merge: { visits: byKey } })
// @ts-expect-error: a resolver of another type
createSessions<Visitor>({ store, merge: { visits: shortest } })
// @ts-expect-error: gives another type
createSessions<Visitor>({ store, merge: { visits: () => 'many' } })
// @ts-expect-error: not at once
createSessions<Visitor>({ store, merge: { visits: async () => 1 } })
// @ts-expect-error: a key that is not there
createSessions<Visitor>({ store, merge: { visit: sum } })
// @ts-expect-error: a resolver, not its name
createSessions<Visitor>({ store, merge: { visits: 'sum' } })

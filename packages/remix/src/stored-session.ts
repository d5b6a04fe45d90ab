import type { Session, SessionState } from '@coatcheck/core'
import { SessionError } from '@coatcheck/core'

export type Key<of> = keyof of & string

type Value<data, flash, key> =
  | (key extends keyof data ? data[key] : undefined)
  | (key extends keyof flash ? flash[key] : undefined)
  | undefined

/** The session of React Router and Remix 2, with `state`, `signIn` and `renew` added. */
export interface StoredSession<data, flash> {
  /** The key of the record in the store, safe in logs; empty if nothing is stored. */
  readonly id: string
  /** A copy of the data. */
  readonly data: Partial<data & { [key in Key<flash> as `__flash_${key}__`]: flash[key] }>
  readonly has: (name: Key<data> | Key<flash>) => boolean
  /** The value. Reading a flashed value removes it from the session. */
  readonly get: <key extends Key<data> | Key<flash>>(name: key) => Value<data, flash, key>
  readonly set: <key extends Key<data>>(name: key, value: data[key]) => void
  /** Sets a value that can be read once. */
  readonly flash: <key extends Key<flash>>(name: key, value: flash[key]) => void
  readonly unset: (name: Key<data>) => void
  /** `unavailable` if the session could not be read: the data is empty, and changes are not saved. */
  readonly state: SessionState
  /** Signs the visitor in at commit, with a new token, to prevent session fixation. The data is kept. */
  readonly signIn: Session['signIn']
  /** Gives the session a new token at commit. `signIn` includes it. */
  readonly renew: Session['renew']
}

/** What the application did with a stored session. */
export interface Asked {
  /** Whether it called `signIn`, which says whose session it is from now on. */
  isClaimed: boolean
  /** The auth keys that it called `unset` for. */
  readonly unset: Set<string>
  /** The auth keys that it set, and the other keys that it set or flashed with another value. */
  readonly given: Set<string>
  /** Set while a commit is under way. */
  readonly saving?: unknown
}

/** `asked` records what the application does. */
export function createStoredSession<data, flash>(
  session: Session<object>,
  asked: Asked,
  authKeys: readonly string[],
): StoredSession<data, flash> {
  // After the commit, this is a view that refuses changes with its own error.
  const values = (): Record<string, unknown> => session.data as Record<string, unknown>
  const open = (what: string): Session<object> => {
    if (asked.saving === undefined) return session
    throw new SessionError('committed', `${what} beside commitSession has no effect: await it`)
  }
  const give = (what: string, key: string, value: unknown): void => {
    open(what)
    if (authKeys.includes(key) || !Object.is(values()[key], value)) asked.given.add(key)
    values()[key] = value
  }
  const stored = {
    get id() {
      return session.id ?? ''
    },
    get data() {
      return { ...values() }
    },
    has: (name: string) => Object.hasOwn(values(), name) || Object.hasOwn(values(), flashed(name)),
    get(name: string): unknown {
      const data = values()
      if (Object.hasOwn(data, name)) return data[name]
      if (!Object.hasOwn(data, flashed(name))) return undefined
      const value = data[flashed(name)]
      delete data[flashed(name)]
      return value
    },
    set(name: string, value: unknown): void {
      give('set()', ordinary(name), value)
    },
    flash(name: string, value: unknown): void {
      give('flash()', flashed(name), value)
    },
    unset(name: string): void {
      open('unset()')
      if (authKeys.includes(name)) asked.unset.add(name)
      delete values()[name]
    },
    state: session.state,
    signIn(...given: Parameters<Session['signIn']>): void {
      open('signIn()').signIn(...given)
      asked.isClaimed = true
    },
    renew(...given: Parameters<Session['renew']>): void {
      open('renew()').renew(...given)
    },
  }
  return stored as unknown as StoredSession<data, flash>
}

/** The key of a flashed value in React Router and Remix. */
function flashed(name: string): string {
  return `__flash_${name}__`
}

function ordinary(name: string): string {
  if (name !== '__proto__') return name
  throw new TypeError('A session cannot store a value under __proto__: use another name')
}

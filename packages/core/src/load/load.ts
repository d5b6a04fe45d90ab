import type { OnEvent } from '../events.ts'
import { handleOf } from '../events.ts'
import type { Lifetime } from '../rules/lifetime.ts'
import { hasEnded } from '../rules/lifetime.ts'
import { identifyOwned, placesOf } from '../subjects/list.ts'
import type { ListVault } from '../subjects/list.ts'
import type { Found } from '../rules/next-step.ts'
import type { Entry, Owner, SessionRecord } from '../store/record.ts'
import { isPointer } from '../store/record.ts'
import type { Secret } from '../crypto/seal.ts'
import { identify } from '../crypto/token.ts'
import type { Identity } from '../crypto/token.ts'
import type { Loaded, Vault } from '../store/sealed-store.ts'

export type LoadedSession = Loaded<SessionRecord>

/** What a token led to. `identity`: where the record is, or would be. */
export interface Finding {
  readonly found: Found
  readonly identity: Identity | null
  readonly loaded: LoadedSession | null
}

export const nothingFound: Finding = { found: 'nothing', identity: null, loaded: null }

export interface LookupContext {
  readonly entries: Vault<Entry>
  readonly lists: ListVault
  readonly lifetime: Lifetime
  readonly namespace: string
  readonly secrets: Promise<readonly Secret[]>
  readonly now: () => number
  /** Whether a logout of this id is still on its way to the store. */
  readonly isDenied: (id: string) => boolean
  readonly onEvent: OnEvent
}

export interface Lookup {
  /** Loads a token's session, and moves its expiry. */
  readonly find: (token: string) => Promise<Finding>
  /** Loads a session again, without moving its expiry. */
  readonly reload: (
    identity: Identity,
  ) => Promise<LoadedSession | 'missing' | 'unreadable' | 'unavailable'>
}

/** For how many sessions a process remembers where their subject's list is. */
const rememberedLists = 10_000

export function createLookup(context: LookupContext): Lookup {
  const { entries, lists, lifetime, namespace, secrets, now, isDenied, onEvent } = context
  const listOf = new Map<string, Identity>()

  /** Loads a record; a pointer is followed, once. */
  async function follow(
    identity: Identity,
    expiresAt?: number,
  ): Promise<LoadedSession | 'missing' | 'unreadable' | 'unavailable'> {
    const first = await entries.load(identity, expiresAt)
    if (typeof first === 'string' || !isPointer(first.record)) return first as LoadedSession
    if (now() >= first.record.until) return 'missing'
    const next = await entries.load(await identify(namespace, first.record.token), expiresAt)
    if (typeof next === 'string') return next
    return isPointer(next.record) ? 'missing' : (next as LoadedSession)
  }

  function remember(id: string, owner: Owner): Identity {
    const identity = identifyOwned(owner)
    if (listOf.size >= rememberedLists) {
      for (const oldest of listOf.keys()) {
        listOf.delete(oldest)
        break
      }
    }
    listOf.set(id, identity)
    return identity
  }

  /** Not where the secret is gone with which the list was named: `revoke` would not find it there. */
  async function isFindable({ subject, listId }: Owner): Promise<boolean> {
    const places = await placesOf(await secrets, namespace, subject)
    return places.some(({ id }) => id === listId)
  }

  /** Whether the session is still in its subject's list. */
  async function counts(
    id: string,
    owner: Owner,
    early: Awaited<ReturnType<ListVault['load']>> | null,
  ): Promise<boolean | 'unavailable'> {
    if (early === null && !(await isFindable(owner))) return false
    const list = early ?? (await lists.load(remember(id, owner)))
    if (list === 'unavailable') return list
    return typeof list !== 'string' && list.record.has(owner.handle)
  }

  function unknown({ id }: Identity): Finding {
    onEvent({ type: 'token.unknown', handle: handleOf(id) })
    return nothingFound
  }

  /** Nobody's session any more, but there to be destroyed again. */
  function denied(identity: Identity): Finding {
    return { ...unknown(identity), found: 'unreadable', identity }
  }

  return {
    reload: (identity) => follow(identity),
    async find(token) {
      const identity = await identify(namespace, token)
      if (isDenied(identity.id)) return denied(identity)
      const known = listOf.get(identity.id)
      // Both reads leave in one tick, so a session with a subject costs one trip like any other.
      const [loaded, early] = await Promise.all([
        follow(identity, now() + lifetime.idle),
        known ? lists.load(known) : null,
      ])
      if (loaded === 'unavailable' || loaded === 'unreadable') {
        return { found: loaded, identity, loaded: null }
      }
      if (loaded === 'missing') return unknown(identity)
      if (isDenied(loaded.identity.id)) return denied(loaded.identity)
      const { createdAt, owner } = loaded.record
      if (hasEnded(lifetime, createdAt, now())) return unknown(identity)
      const live: Finding = { found: 'live', identity: loaded.identity, loaded }
      if (owner === null) return live
      const isEarly = known?.id === owner.listId
      const isListed = await counts(identity.id, owner, isEarly ? early : null)
      if (isListed === 'unavailable') return { found: isListed, identity, loaded: null }
      return isListed ? live : unknown(identity)
    },
  }
}

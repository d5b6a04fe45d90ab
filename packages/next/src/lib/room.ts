import { AsyncLocalStorage } from 'node:async_hooks'
import type { Opened, Sessions } from '@coatcheck/core'
import type { Turn } from './turn.ts'
import type { Visit } from './visit.ts'

/** What the adapter needs of `createSessions(...)`. */
export type Opens = Pick<Sessions<object>, 'open'>

/** What the proxy leaves for the code behind it. */
export interface Handover {
  readonly opened: Opened<object>
  /** The `Cookie` header that goes with it: nobody gets the session without it. */
  readonly cookies: string | null
}

/**
 * What every copy of this module in a process shares. Next.js bundles the proxy, the App Router and the Pages
 * Router each with a copy of its own, which must not each have sessions of its own.
 */
export interface Room {
  /** Makes the sessions when first called, so that a build needs no secrets and no store. */
  readonly sessions: () => Opens
  /** The request header that names a handover. */
  readonly header: string
  readonly handovers: Map<string, Handover>
  /** By the request's headers, and by session. */
  readonly visits: WeakMap<object, Visit>
  /** Who may write just now. */
  readonly turns: AsyncLocalStorage<Turn>
}

const place: unique symbol = Symbol.for('@coatcheck/next')

/** The room of this name; `create` is only called by the first who asks for its sessions. */
export function roomOf(name: string, create: () => Opens): Room {
  if (!/^[a-z0-9-]{1,32}$/.test(name)) {
    throw new TypeError('createNextSessions: name must be 1 to 32 characters of a-z, 0-9 and -')
  }
  const rooms = ((globalThis as { [place]?: Map<string, Room> })[place] ??= new Map())
  const room = rooms.get(name) ?? createRoom(name, create)
  rooms.set(name, room)
  return room
}

function createRoom(name: string, create: () => Opens): Room {
  let sessions: Opens | null = null
  return {
    sessions: () => (sessions ??= create()),
    header: `x-coatcheck-${name}`,
    handovers: new Map(),
    visits: new WeakMap(),
    turns: new AsyncLocalStorage(),
  }
}

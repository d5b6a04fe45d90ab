import type { Opened } from '@coatcheck/core'
import type { Handover, Room } from './room.ts'

/** Milliseconds that a handover waits. Who comes later loads the session. */
const patience = 10_000

/** Leaves a session for the code behind the proxy, and gives the name to ask for it by. */
export function leave({ handovers }: Room, handover: Handover): string {
  const name = crypto.randomUUID()
  handovers.set(name, handover)
  setTimeout(() => handovers.delete(name), patience).unref()
  return name
}

/**
 * What the proxy left under this name, once. `null` when it left nothing: it did not run, ran in another
 * process, or the name is from outside; also when the request has not the cookies that it was left for.
 */
export function take(
  { handovers }: Room,
  name: string | null,
  cookies: string | null,
): Opened<object> | null {
  const found = name === null ? undefined : handovers.get(name)
  if (name === null || found === undefined || found.cookies !== cookies) return null
  handovers.delete(name)
  return found.opened
}

import type { SessionAddress } from '../crypto/record-address.ts'
import { followForwards, isLoaded } from './follow-forwards.ts'
import type { ReadContext } from './follow-forwards.ts'
import type { KnownLifetimes } from './known-lifetimes.ts'

export interface TouchContext extends ReadContext {
  readonly lifetimes: KnownLifetimes
}

type Reading = ReturnType<typeof followForwards>

/** Reads a session and moves its idle end, in one command if its lifetime is known. */
export function touchAndRead(context: TouchContext, address: SessionAddress): Reading {
  const idleEnd = context.lifetimes.idleEnd(address.id)
  return idleEnd === undefined
    ? readThenTouch(context, address)
    : followForwards(context, address, idleEnd)
}

async function readThenTouch(context: TouchContext, address: SessionAddress): Reading {
  const found = await followForwards(context, address)
  if (!isLoaded(found)) return found
  context.lifetimes.note(address.id, found.record.isPersistent)
  return touchAndRead(context, address)
}

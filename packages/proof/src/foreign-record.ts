import { createSessions } from '@coatcheck/core'
import type { SessionStore } from '@coatcheck/core'

let made: Promise<Uint8Array> | undefined

/** A record of somebody else's, as the core writes one. */
export function decoyBytes(): Promise<Uint8Array> {
  made ??= makeDecoy()
  return made
}

async function makeDecoy(): Promise<Uint8Array> {
  let written = new Uint8Array(0)
  const store: SessionStore = {
    inProcess: true,
    load: async () => null,
    create: async (_id, bytes) => {
      written = new Uint8Array(bytes)
      return true
    },
    save: async () => 'missing',
    delete: async () => 'missing',
  }
  const now = (): number => Date.UTC(2030, 0, 1)
  const { session, commit } = await createSessions({ store, now }).open('')
  session.data['foreign'] = true
  await commit()
  return written
}

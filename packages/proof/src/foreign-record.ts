import { createSessions } from '@coatcheck/core'
import type { SessionStore } from '@coatcheck/core'

let created: Promise<Uint8Array> | undefined

/** A record of another application, as its core writes it. */
export function createForeignRecord(): Promise<Uint8Array> {
  created ??= writeRecord()
  return created
}

async function writeRecord(): Promise<Uint8Array> {
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
  const testing = { now: (): number => Date.UTC(2030, 0, 1) }
  const { session, commit } = await createSessions({ store, testing, onEvent: () => {} }).open('')
  session.data['foreign'] = true
  await commit()
  return written
}

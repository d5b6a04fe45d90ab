import type { DeleteResult, SaveResult, SessionStore, StoredRecord } from '@coatcheck/core'
import { protocolError, StoreError } from '@coatcheck/core/remote'
import type { Reply } from '../client/driver.ts'
import { deleteScript, saveScript, versionBytes } from '../server/script.ts'
import type { Writes } from '../server/writes.ts'
import { expiry } from './expiry.ts'
import type { Settings } from './store-options.ts'
import { Versions } from './versions.ts'
import type { Version } from './versions.ts'

/** The commands of a store. */
export type Operations = Pick<SessionStore<Version>, 'load' | 'create' | 'save' | 'delete'>

/** Each operation is one command. */
export function createOperations(
  { prefix, maxBytes, now }: Settings,
  writes: () => Writes,
): Operations {
  const versions = new Versions()
  const keyOf = (id: string): string => {
    if (id !== '' && !/[^!-z|~]/.test(id)) return prefix + id
    const message = 'An id must be printable ASCII without spaces and braces, and not empty'
    throw new StoreError('config', message, { sent: false })
  }
  const valueOf = (bytes: Uint8Array): Buffer => {
    if (bytes.length <= maxBytes) return versions.seal(bytes)
    const message = `The record has ${bytes.length} bytes, but maxBytes is ${maxBytes}`
    throw new StoreError('too-large', message, { sent: false })
  }

  return {
    load(id, expiresAt) {
      return promised(() => {
        const key = keyOf(id)
        // Also without a new expiry: unlike GET, GETEX is refused by a server that has become a replica.
        const args = ['getex', key, ...(expiresAt === undefined ? [] : expiry(expiresAt, now()))]
        return writes().read({ key, args, isRead: true }).then(toRecord)
      })
    },
    create(id, bytes, expiresAt) {
      return promised(() => {
        const key = keyOf(id)
        const args = ['set', key, valueOf(bytes), 'nx', ...expiry(expiresAt, now())]
        return writes().write({ key, args, isRead: false }, false).then(toCreated)
      })
    },
    save(id, bytes, expiresAt, version, ends = false) {
      return promised(() => {
        const key = keyOf(id)
        const args = [key, bufferOf(version), valueOf(bytes), ...expiry(expiresAt, now())]
        const command = { key, args, script: saveScript, isRead: false }
        return writes().write(command, ends).then(toSaved)
      })
    },
    delete(id, version) {
      return promised(() => {
        const key = keyOf(id)
        if (version === undefined) {
          return writes()
            .write({ key, args: ['del', key], isRead: false }, true)
            .then(toForgotten)
        }
        const args = [key, bufferOf(version)]
        const command = { key, args, script: deleteScript, isRead: false }
        return writes().write(command, true).then(toDeleted)
      })
    },
  }
}

function toRecord(reply: Reply): StoredRecord<Version> | null {
  if (reply === null) return null
  if (!Buffer.isBuffer(reply)) throw protocolError('that is no value')
  // Foreign data is shorter, or cannot be opened.
  return { version: reply.subarray(0, versionBytes), bytes: reply.subarray(versionBytes) }
}

function toCreated(reply: Reply): boolean {
  if (reply === null) return false
  if (String(reply) === 'OK') return true
  throw protocolError('that is neither OK nor nil')
}

function toSaved(reply: Reply): SaveResult {
  return resultOf(reply, 'saved')
}

function toDeleted(reply: Reply): DeleteResult {
  return resultOf(reply, 'deleted')
}

function toForgotten(reply: Reply): DeleteResult {
  return resultOf(reply === 0 ? -1 : reply, 'deleted')
}

function resultOf<done extends string>(reply: Reply, done: done): done | 'conflict' | 'missing' {
  if (reply === 1) return done
  if (reply === 0) return 'conflict'
  if (reply === -1) return 'missing'
  throw protocolError('that is no result of a script')
}

function bufferOf(version: Version): Buffer {
  if (!(version instanceof Uint8Array)) {
    throw new StoreError('config', 'The version is not one of this store', { sent: false })
  }
  return Buffer.from(version.buffer, version.byteOffset, version.byteLength)
}

/** Turns a throw into a rejection. An `async` function would cost every command one more tick. */
function promised<result>(work: () => Promise<result>): Promise<result> {
  try {
    return work()
  } catch (error) {
    return Promise.reject(error as Error)
  }
}

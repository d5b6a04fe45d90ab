import type { SessionStore, StoredRecord } from '@coatcheck/core'
import type { Cluster, Version } from '../cluster/cluster.ts'
import { StoreError } from '@coatcheck/core/remote'
import { exptime } from './exptime.ts'
import type { Settings } from './read-options.ts'

/** The commands of a store. */
export type Operations = Pick<SessionStore<Version>, 'load' | 'create' | 'save' | 'delete'>

/** The commands of a store, on the cluster at the time of the call. */
export function createOperations(
  { prefix, maxBytes, now }: Settings,
  cluster: () => Cluster,
): Operations {
  // The client checks everything else about a key.
  const keyOf = (id: string): string => {
    if (id === '') throw new StoreError('config', 'An id must not be empty', { sent: false })
    return prefix + id
  }
  const checkSize = ({ length }: Uint8Array): void => {
    if (length <= maxBytes) return
    const message = `The record has ${length} bytes, but maxBytes is ${maxBytes}`
    throw new StoreError('too-large', message, { sent: false })
  }

  return {
    load(id, expiresAt, known?: StoredRecord<Version>) {
      return promised(() => {
        const ttl = expiresAt === undefined ? undefined : exptime(expiresAt, now())
        return cluster().get(keyOf(id), ttl, known)
      })
    },
    create(id, bytes, expiresAt) {
      return promised(() => {
        checkSize(bytes)
        return cluster().add(keyOf(id), bytes, exptime(expiresAt, now()))
      })
    },
    save(id, bytes, expiresAt, version) {
      return promised(() => {
        checkSize(bytes)
        return cluster().replace(keyOf(id), bytes, exptime(expiresAt, now()), version)
      })
    },
    delete(id, version) {
      return promised(() => cluster().delete(keyOf(id), version))
    },
  }
}

/** Turns a throw into a rejection. An `async` function would cost every command one more tick. */
function promised<result>(work: () => Promise<result>): Promise<result> {
  try {
    return work()
  } catch (error) {
    return Promise.reject(error as Error)
  }
}

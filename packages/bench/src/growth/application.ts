import { createSessions } from '@coatcheck/core'
import type { SessionStore } from '@coatcheck/core'
import type { Site } from '../contenders/contender.ts'
import { makeData, secret } from '../contenders/session-data.ts'
import type { Data } from '../contenders/session-data.ts'
import { answerText, noSession, routeOf, webSite } from '../drive/web-site.ts'

/** In seconds. */
const day = 86_400

/** An application that creates sessions of `size` bytes, reads and changes them. */
export function growthSite(store: SessionStore, size: () => number): Site {
  const sessions = createSessions<Data>({
    store,
    secrets: [secret],
    maxBytes: 1_000_000,
    lifetime: { idle: day, absolute: day, unused: day },
    onEvent: ({ type }) => {
      if (type === 'store.failed') throw new Error('The store failed')
    },
  })
  return webSite((request) =>
    sessions.handle(request, ({ data }) => {
      const route = routeOf(request)
      if (route === 'create') {
        Object.assign(data, makeData(size()))
        return answerText(0)
      }
      if (data.n === undefined) return noSession()
      return answerText(route === 'read' ? data.n : ++data.n)
    }),
  )
}

/** The bytes that the store gets for a session of this size. */
export async function recordOf(store: SessionStore, size: number): Promise<Uint8Array> {
  let record = new Uint8Array(0)
  const create: SessionStore['create'] = (id, bytes, expiresAt) => {
    record = new Uint8Array(bytes)
    return store.create(id, bytes, expiresAt)
  }
  const site = growthSite({ ...store, create, inProcess: false }, () => size)
  const { status } = await site.send(0, 'create', undefined)
  if (status !== 200) throw new Error(`create: ${status}`)
  return record
}

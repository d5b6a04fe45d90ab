/**
 * The suite in workerd: each case is a request. `/count` says how many there are, `/case/NUMBER` runs one. Under
 * `/sessions/PROTOCOL?key=KEY` is an app whose sessions and store are made at module scope.
 */
import * as core from '@coatcheck/core'
import * as memory from '@coatcheck/core/memory'
import * as memcached from '@coatcheck/memcached'
import * as byNode from 'cryptography/node'
import * as byWeb from 'cryptography/web'
import { waitUntil } from 'cloudflare:workers'
import { runCase } from '../case.ts'
import type { World } from '../case.ts'
import { casesOf } from '../cases/all.ts'

declare const SERVER: string

const world: World = {
  core,
  memory,
  tcp: { memcached, server: SERVER },
  cryptographies: { node: byNode.crypto, web: byWeb.crypto },
}
const cases = casesOf(true)
const options = { servers: SERVER, deadline: 10_000, connectDeadline: 10_000 }
const stores = {
  memory: memory.memoryStore(),
  binary: memcached.memcachedStore({ ...options, protocol: 'binary' }),
  meta: memcached.memcachedStore({ ...options, protocol: 'meta' }),
  auto: memcached.memcachedStore({ ...options, protocol: 'auto' }),
}
const apps = Object.entries(stores).map(([namespace, store]) => {
  const sessions = core.createSessions({ store, secrets: 'none', namespace })
  return [namespace, sessions] as const
})

/** A store that fails once: the sign-out is sent again by `waitUntil`, after its response has left. */
let deletes = 0
const failsOnce = memory.memoryStore()
const retried = core.createSessions({
  store: {
    ...failsOnce,
    delete: (id, version) =>
      deletes++ < 2
        ? Promise.reject(new Error('down'))
        : failsOnce.delete(id, version as number | undefined),
  },
  namespace: 'retried',
  waitUntil,
  onEvent() {},
})

const unfit: Readonly<Record<string, () => unknown>> = {
  unix: () => memcached.memcachedStore({ servers: '/run/memcached.sock' }),
  tls: () => memcached.memcachedStore({ servers: 'a:1', tls: { rejectUnauthorized: false } }),
  shared: () => memcached.memcachedStore({ servers: 'a:1', connections: 'shared' }),
}

function refusal(name: string): string {
  try {
    unfit[name]!()
    return 'not refused'
  } catch (error) {
    return (error as Error).message
  }
}

const worker = {
  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    const [, what, which = ''] = pathname.split('/')
    if (what === 'count') return Response.json(cases.length)
    if (what === 'case') return Response.json(await runCase(cases[Number(which)]!, world))
    if (what === 'unfit') return new Response(refusal(which))
    if (what === 'deletes') return Response.json([deletes, failsOnce.size])
    if (what === 'logout') {
      return retried.handle(request, (session) => {
        if (session.state === 'live') session.destroy()
        else session.data['a'] = 1
        return new Response(session.state)
      })
    }
    const [, sessions] = apps.find(([name]) => name === which)!
    return sessions.handle(request, ({ data }) => {
      const key = searchParams.get('key')
      if (key !== null) data[key] = 1
      return Response.json(Object.keys(data).length)
    })
  },
}

// oxlint-disable-next-line import/no-default-export -- what workerd serves
export { worker as default }

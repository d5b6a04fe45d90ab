import { createSessions } from '@coatcheck/core'
import type { Session, SessionStore } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { memcachedStore } from '@coatcheck/memcached'
import { valkeyStore } from '@coatcheck/valkey'
import { addedKeyOf, answerText, noSession, routeOf, webSite } from '../drive/web-site.ts'
import type { Route } from '../work.ts'
import type { Circumstances, Contender, Site } from './contender.ts'
import { countAdded, secret } from './session-data.ts'
import type { Data } from './session-data.ts'

type Open = (circumstances: Circumstances) => {
  readonly store: SessionStore
  readonly close?: () => void
}

const inMemory: Open = () => ({
  store: memoryStore({ maxSessions: 10_000_000, maxBytes: 8 * 2 ** 30 }),
})

function onMemcached(protocol?: 'binary'): Open {
  return ({ memcached, patient }) => {
    const servers = `127.0.0.1:${memcached}`
    const store = memcachedStore({
      servers,
      ...(protocol && { protocol }),
      ...(patient && { deadline: 10_000 }),
    })
    return { store, close: () => store.close() }
  }
}

const onValkey: Open = ({ redis, patient }) => {
  const url = `127.0.0.1:${redis}`
  const store = valkeyStore({ url, ...(patient && { deadline: 10_000 }) })
  return { store, close: () => store.close() }
}

/** Not possible in an application: a store that claims that its records never leave the process is not sealed. */
function unsealed(open: Open): Open {
  return (circumstances) => {
    const { store, ...rest } = open(circumstances)
    return { store: { ...store, inProcess: true }, ...rest }
  }
}

function sealed(open: Open): Open {
  return (circumstances) => {
    const { store, ...rest } = open(circumstances)
    return { store: { ...store, inProcess: false }, ...rest }
  }
}

/** Makes the request's call, so that `handle` reports the result; reads and changes report it themselves. */
function inOutage(route: Route, session: AppSession): Response {
  if (route === 'sign-in') session.signIn('visitor')
  else if (route === 'sign-out') session.destroy()
  else return new Response('The session store cannot be reached', { status: 503 })
  return answerText('done')
}

/** In seconds. */
const day = 86_400

type AppSession = Session<Partial<Data>>

function start(open: Open, circumstances: Circumstances): Site {
  const { store, close } = open(circumstances)
  const sessions = createSessions<Data>({
    store,
    secrets: [secret],
    // Some visitors send a request only every ten minutes.
    lifetime: { idle: day, absolute: day, unused: day },
    onEvent: () => {},
  })
  const { newData, gate } = circumstances

  const answer = (request: Request, session: AppSession): Response | Promise<Response> => {
    const route = routeOf(request)
    if (route === 'untouched') return answerText('ok')
    const { data } = session
    if (route === 'create') {
      Object.assign(data, newData())
      return answerText(0)
    }
    if (session.state === 'unavailable') return inOutage(route, session)
    if (data.n === undefined) return noSession()
    switch (route) {
      case 'read':
        return answerText(data.n)
      case 'change':
        return answerText(++data.n)
      case 'sign-in':
        session.signIn(data.user!)
        return answerText('in')
      case 'renew':
        session.renew()
        return answerText('in')
      case 'sign-out':
        session.destroy()
        return answerText('out')
      case 'add':
        Object.assign(data, { [addedKeyOf(request)]: 1 })
        return answerText('added')
      case 'keys':
        return answerText(countAdded(data))
      case 'hold':
        return gate().then(() => answerText(++data.n!))
      case 'unasked':
        throw new Error('The session was asked for')
    }
  }

  return webSite((request) => {
    if (routeOf(request) !== 'unasked') {
      return sessions.handle(request, (session) => answer(request, session))
    }
    return sessions.lazy(request).around(() => answerText('ok'))
  }, close)
}

const packagesOf: { readonly [store in Contender['store']]?: readonly string[] } = {
  memcached: ['@coatcheck/memcached'],
  redis: ['@coatcheck/valkey'],
}

function coatcheck(name: string, open: Open, store: Contender['store']): Contender {
  return {
    name: `Coatcheck, ${name}`,
    store,
    floor: 'web',
    packages: ['@coatcheck/core', ...(packagesOf[store] ?? [])],
    start: async (circumstances) => start(open, circumstances),
  }
}

export const contenders: readonly Contender[] = [
  coatcheck('memory', inMemory, 'memory'),
  coatcheck('memory, sealed', sealed(inMemory), 'memory'),
  // The default protocol: meta commands if memcached supports them.
  coatcheck('memcached', onMemcached(), 'memcached'),
  coatcheck('memcached, unsealed', unsealed(onMemcached()), 'memcached'),
  coatcheck('Valkey or Redis', onValkey, 'redis'),
  coatcheck('memcached, binary', onMemcached('binary'), 'memcached'),
  coatcheck('memcached, binary, unsealed', unsealed(onMemcached('binary')), 'memcached'),
]

/**
 * An app without an event listener, to test what is printed about losses. Arguments: what goes wrong, the server's
 * address. Does it 5 times.
 */
import { createSessions } from '@coatcheck/core'
import type { Sessions, SessionsOptions, SessionStore } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { openStore } from './open-store.ts'

const [what = '', address = '', listens = ''] = process.argv.slice(2)
const secrets = ['a secret of thirty-two bytes, or so']

const onServer = openStore(address || 'localhost:1', { deadline: 2000 })
const inMemory = memoryStore()
/** In memory, but like a store outside the process: sealed. */
const outside: SessionStore = {
  load: (...args) => inMemory.load(...args),
  create: (...args) => inMemory.create(...args),
  save: (id, bytes, expiresAt, version) => inMemory.save(id, bytes, expiresAt, version as number),
  delete: (id, version) => inMemory.delete(id, version as number),
}
const store = address === '' ? outside : onServer

const make = (options: Partial<SessionsOptions<Record<string, unknown>>> = {}): Sessions<object> =>
  createSessions<Record<string, unknown>>({
    store,
    secrets,
    namespace: 'shop',
    ...(listens === '' ? {} : { onEvent: () => {} }),
    ...options,
  })

const visit = async (sessions: Sessions<object>, url = 'https://shop.example/', cookie = '') => {
  const request = new Request(url, { headers: { Cookie: cookie } })
  const response = await sessions.handle(request, ({ data }) => {
    Object.assign(data, { user: 'ada' })
    return new Response()
  })
  return response.headers.getSetCookie()[0]?.split(';')[0] ?? ''
}

const losses: { readonly [what: string]: () => Promise<unknown> } = {
  async 'store away'() {
    const away = { ...store, create: () => Promise.reject(new Error('refused')) }
    await visit(make(address === '' ? { store: away } : {}))
  },
  async 'plain http'() {
    await visit(make(), 'http://shop.example/')
  },
  async 'no secret'() {
    createSessions({ store, namespace: 'shop', ...(listens === '' ? {} : { onEvent: () => {} }) })
  },
  async 'unknown secret'() {
    const cookie = await visit(make({ secrets: ['x'.repeat(32)] }))
    await visit(make(), 'https://shop.example/', cookie)
  },
  async 'all is well'() {
    const cookie = await visit(make())
    await visit(make(), 'https://shop.example/', cookie)
  },
}

for (let times = 0; times < 5; times++) await losses[what]?.()
onServer.close()

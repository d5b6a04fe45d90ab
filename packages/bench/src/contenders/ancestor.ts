import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import memjs from 'memjs'
import { routeOf, webSite } from '../drive/web-site.ts'
import type { Circumstances, Contender, Site } from './contender.ts'
import type { Data } from './session-data.ts'
import { answerWith, cookieIn, withSetCookie } from './web-app.ts'

type Hash = Record<string, unknown>

interface Loaded {
  /** Null if memcached cannot be reached. */
  readonly sid: string | null
  readonly session: Hash
  readonly old: string
}

interface Options {
  readonly renew: boolean
  readonly drop: boolean
}

/**
 * Ruby's `Rack::Session::Memcache` 1.2, method by method, on memjs, with JSON instead of Marshal. It loads and saves at
 * every request. Its mutex is for threads, which Node does not have.
 */
class RackSessionMemcache {
  readonly #pool: memjs.Client

  constructor({ memcached, patient }: Circumstances) {
    this.#pool = memjs.Client.create(`127.0.0.1:${memcached}`, patient ? { timeout: 10 } : {})
  }

  async #get(sid: string): Promise<string | null> {
    const { value } = await this.#pool.get(sid)
    return value === null ? null : value.toString()
  }

  async #generateSid(): Promise<string> {
    for (;;) {
      const sid = randomBytes(16).toString('hex')
      if ((await this.#get(sid)) === null) return sid
    }
  }

  async getSession(sid: string | undefined): Promise<Loaded> {
    try {
      return await this.#load(sid)
    } catch {
      return { sid: null, session: {}, old: '{}' }
    }
  }

  async #load(sid: string | undefined): Promise<Loaded> {
    let found = sid === undefined ? null : await this.#get(sid)
    if (found === null) {
      sid = await this.#generateSid()
      found = '{}'
      if (!(await this.#pool.add(sid, found, {}))) throw new Error('Session collision')
    }
    const session = JSON.parse(found) as Hash
    const old = (await this.#get(sid!)) ?? '{}'
    return { sid: sid!, session, old }
  }

  /** False: nothing was saved, and no cookie is set. */
  async setSession({ sid, session, old }: Loaded, options: Options): Promise<string | false> {
    if (sid === null) return false
    try {
      return await this.#save(sid, session, old, options)
    } catch {
      return false
    }
  }

  async #save(
    sid: string,
    newSession: Hash,
    old: string,
    { renew, drop }: Options,
  ): Promise<string | false> {
    if (renew || drop) {
      await this.#pool.delete(sid)
      if (drop) return false
      sid = await this.#generateSid()
      await this.#pool.add(sid, '{}', {})
    }
    const session = JSON.parse((await this.#get(sid)) ?? '{}') as Hash
    // After a renewal, 1.2 writes only the changes and so loses the rest; later versions do not.
    const oldSession = renew ? {} : (JSON.parse(old) as Hash)
    for (const key of Object.keys(oldSession)) if (!(key in newSession)) delete session[key]
    for (const [key, value] of Object.entries(newSession)) {
      if (!isDeepStrictEqual(value, oldSession[key])) session[key] = value
    }
    await this.#pool.set(sid, JSON.stringify(session), {})
    return sid
  }

  close(): void {
    this.#pool.close()
  }
}

function start(circumstances: Circumstances): Site {
  const rack = new RackSessionMemcache(circumstances)
  return webSite(
    async (request) => {
      const loaded = await rack.getSession(cookieIn(request, 'rack.session'))
      const { session } = loaded
      const options = { renew: false, drop: false }
      const response = await answerWith(
        routeOf(request),
        request,
        {
          data: session as Partial<Data>,
          set: (changes) => Object.assign(session, changes),
          renew: () => Object.assign(options, { renew: true }),
          destroy: () => Object.assign(options, { drop: true }),
          save: (response) => response,
        },
        circumstances,
      )
      const saved = await rack.setSession(loaded, options)
      return saved === false
        ? response
        : withSetCookie(response, `rack.session=${saved}; path=/; HttpOnly`)
    },
    () => rack.close(),
  )
}

export const contenders: readonly Contender[] = [
  {
    name: 'Rack::Session::Memcache, ported',
    store: 'memcached',
    floor: 'web',
    packages: ['memjs'],
    without: ['unasked', 'renew'],
    start: async (circumstances) => start(circumstances),
  },
]

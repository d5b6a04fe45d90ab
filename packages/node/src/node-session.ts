import { Unopened } from '@coatcheck/core'
import type { HandleOptions, LazySession, RequestSession, Sessions } from '@coatcheck/core'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HoldOptions } from './hold.ts'
import { Hold } from './hold.ts'
import { report } from './report.ts'
import { sourceOf } from './source.ts'

export type { RequestSessionOf } from '@coatcheck/core'

/** The part of `createSessions(...)` that the adapters use. */
export type AnySessions<data extends object = object> = Pick<Sessions<data>, 'lazy'>

export interface NodeOptions extends Pick<HandleOptions, 'onFailure' | 'touch'> {
  /**
   * Called with an error if the session could not be saved, for example because it contains a value that cannot be
   * stored. The response is then a 500. Default: `console.error`.
   */
  readonly onError?: (error: unknown) => void
}

/**
 * Throws on uses of `req.session` from other libraries. Without it `delete req.session.user` would silently do nothing,
 * and their methods would be `undefined`.
 */
class Guarded extends Unopened {
  constructor() {
    super()
    // The returned proxy becomes `this` of the subclass, including its private fields.
    return new Proxy(this, {
      deleteProperty: refuseDeletion,
      get(target, key, session): unknown {
        const advice = typeof key === 'string' ? elsewhere.get(key) : undefined
        if (advice !== undefined) throw new TypeError(`req.session.${String(key)}: ${advice}`)
        return Reflect.get(target, key, session)
      },
    })
  }
}

const moves =
  'await req.session.get() has signIn(user) for a login, and renew(): both give it a new token, and keep the data'

/** Members of express-session, @fastify/session and connect-flash, and what to write instead. */
const elsewhere: ReadonlyMap<string, string> = new Map([
  [
    'save',
    'leave it out, as the session is saved before the response leaves. await req.session.commit() saves it now',
  ],
  ['regenerate', moves],
  ['touch', 'leave it out, as every request that asks for the session prolongs it'],
  ['resetMaxAge', 'leave it out, as every request that asks for the session prolongs it'],
  ['reload', 'leave it out, as every request loads the session anew: await req.session.get()'],
  ['destroy', '(await req.session.get()).destroy(), without a callback'],
  [
    'flash',
    'connect-flash cannot keep its messages here. Put them into (await req.session.get()).data',
  ],
  [
    'cookie',
    'createSessions has the options cookie and lifetime, and (await req.session.get()).signIn(user, { persist: true }) keeps the cookie of one login',
  ],
])

function refuseDeletion(_session: object, key: PropertyKey): never {
  const what = `req.session.${String(key)} is not there to be deleted, and the session goes on`
  throw new TypeError(`${what}: delete it from (await req.session.get()).data`)
}

/** The session of one request and its response. If the session is not used, the response is sent unchanged. */
export class NodeSession extends Guarded implements RequestSession<object> {
  readonly #sessions: AnySessions
  readonly #lazy: LazySession<object>
  readonly #hold: Hold

  constructor(
    sessions: AnySessions,
    request: IncomingMessage,
    response: ServerResponse,
    options: NodeOptions & HoldOptions,
  ) {
    super()
    this.#sessions = sessions
    this.#lazy = sessions.lazy(sourceOf(request), { ...options, hints })
    this.#hold = new Hold(this.#lazy, response, { ...options, onError: options.onError ?? report })
  }

  get(...keys: readonly unknown[]): ReturnType<LazySession<object>['get']> {
    if (keys.length > 0) throw new TypeError(takesNoKey)
    this.#begin()
    return this.#lazy.get()
  }

  commit(): ReturnType<LazySession<object>['commit']> {
    this.#begin()
    return this.#lazy.commit()
  }

  discard(): void {
    this.#lazy.discard()
  }

  saveLate(change: (data: object) => void): ReturnType<LazySession<object>['saveLate']> {
    this.#begin()
    return this.#lazy.saveLate(change)
  }

  isOf(sessions: AnySessions): boolean {
    return this.#sessions === sessions
  }

  /** After an error that no framework answers: sends a 500, or cuts off a partial response. */
  fail(): void {
    this.#hold.fail()
  }

  #begin(): void {
    // The head was sent before the session was used, so no cookie can be set any more.
    if (!this.#hold.begin() && !this.#lazy.ended) void this.#lazy.end()
  }
}

/**
 * The session of the request; the existing one if the middleware is mounted twice. Throws if the existing one belongs
 * to other sessions (the caller would get the data of another cookie) or to another library (which would fail when the
 * response ends).
 */
export function attach(
  sessions: AnySessions,
  request: IncomingMessage,
  response: ServerResponse,
  options: NodeOptions & HoldOptions,
): NodeSession {
  const holder = request as IncomingMessage & { session?: unknown }
  if (holder.session instanceof NodeSession) {
    if (holder.session.isOf(sessions)) return holder.session
    throw new Error(secondSet)
  }
  if (holder.session != null) throw new Error(occupied)
  const session = new NodeSession(sessions, request, response, options)
  hang(session, request)
  return session
}

/**
 * Sets `session` of the request, as a property that cannot be assigned: in other libraries `req.session = null` signs
 * out, and here it would leave the visitor signed in.
 */
export function hang(session: NodeSession, request: object): void {
  Object.defineProperty(request, 'session', {
    configurable: true,
    enumerable: true,
    get: () => session,
    set() {
      throw new TypeError(assigned)
    },
  })
  // Not enumerable, so that copying the request does not read it.
  Object.defineProperty(request, 'sessionID', {
    configurable: true,
    get() {
      throw new TypeError(noSessionId)
    },
  })
}

/** The status that Express and Fastify give an error, unless the app gives another. */
export const isServerError = (status: number): boolean => status >= 500

const assigned =
  'req.session cannot be assigned, and the session goes on. To end it: (await req.session.get()).destroy(). To change it: ' +
  '(await req.session.get()).data. Another library that uses req.session has to go'

/**
 * For `request.session.get('user')`, as in @fastify/session: a promise is truthy, so a guard would let every visitor
 * in.
 */
const takesNoKey = 'req.session.get() takes no key: (await req.session.get()).data has the values'

const noSessionId = 'req.sessionID: (await req.session.get()).id, a hash that is safe in logs'

const occupied =
  'Another library has set req.session, and one application cannot have both: remove its middleware'

const secondSet =
  'This request has a session of another createSessions(…) in req.session, and that property holds one. Mount each set of ' +
  "sessions on paths of its own, for example app.use('/shop', …) and app.use('/admin', …)"

const hints = {
  late:
    'The session was asked for after the headers were sent, so changes would be lost: call `await req.session.get()` ' +
    'earlier, or use req.session.saveLate(change)',
}

import { batchLength } from '../commit/carry-out.ts'
import type { Committed } from '../commit/committed.ts'
import { toCommitted } from '../commit/committed.ts'
import type { CommitContext } from '../commit/context.ts'
import { worthlessCookies } from '../commit/worthless-cookies.ts'
import { destroy } from '../commit/destroy.ts'
import { Queue } from '../batch-queue.ts'
import { randomChance } from '../crypto/random.ts'
import { addressOf } from '../crypto/token.ts'
import type { SchemaOutput, StandardSchema } from '../data/schema.ts'
import type { CookieSource } from '../http/transport.ts'
import { readPresented } from '../http/read-token.ts'
import { KnownLifetimes } from '../load/known-lifetimes.ts'
import { RefusedIds } from '../load/refused-ids.ts'
import type { Outcome } from '../rules/next-step.ts'
import { backoffTime, maxBatchTime } from '../rules/retry-limits.ts'
import type { Session } from '../session/session.ts'
import { readOptions } from '../settings/read-options.ts'
import { sleepIdly } from '../timers.ts'
import type { AnyOptions, SchemaOption, SessionsOptions } from '../settings/options.ts'
import type { Settings } from '../settings/read-options.ts'
import { recordCodec } from '../store/record-codec.ts'
import type { UnsealedRecord } from '../store/unsealed-record.ts'
import { createSealedStore } from '../store/sealed-store.ts'
import { BoundedCache } from '../bounded-cache.ts'
import { listCodec } from '../subjects/list-record.ts'
import { listAddressLimits } from '../subjects/read-membership.ts'
import { createSubjectSessions } from '../subjects/subject-sessions.ts'
import type { SubjectSessions } from '../subjects/subject-sessions.ts'
import { beginRequests, within } from './context-per-request.ts'
import { answerDeviceBinding } from './answer-device.ts'
import { describePolicy } from './describe-policy.ts'
import type { Policy } from './describe-policy.ts'
import type { Fetch } from './fetch.ts'
import { fetchHandler } from './fetch.ts'
import { handle } from './handle.ts'
import { LazyRequest } from './lazy-request.ts'
import type { OpenRequest } from './lazy-request.ts'
import type { LazyOptions, LazySession, RequestSession } from './lazy-session.ts'
import { mustAwait } from './must-await.ts'
import { checkFlags, open, openRequest } from './open.ts'
import { warnOfSharedStore } from './warn-of-shared-store.ts'
import type { HandleOptions, Open, OpenOptions } from './open.ts'

export interface Sessions<data extends object> extends SubjectSessions {
  /**
   * Handles a request with a session: loads it, calls the handler, saves the changes, and sets the cookie. The session
   * is saved before the response is returned. A Response that the handler throws is thrown again, with the cookie.
   * After any other error nothing is saved, but a `destroy` is still carried out.
   */
  readonly handle: (
    request: Request,
    handler: (session: Session<data>) => Response | Promise<Response>,
    options?: HandleOptions,
  ) => Promise<Response>
  /** Makes a fetch handler. The session is loaded on first use, and a thrown Response is returned. */
  readonly fetch: Fetch<data>
  /** The first half of `handle`: loads the session. Call `commit` of the result to save it. */
  readonly open: Open<data>
  /** A session that is loaded on first use, for adapters and middleware. This call makes no trip to the store. */
  readonly lazy: (source: CookieSource, options?: LazyOptions) => LazySession<data>
  /**
   * Ends the session of the request, like `session.destroy()`, without loading it first. Needs two commands, and three
   * more if the session has a subject.
   */
  readonly destroy: (source: CookieSource, options?: OpenOptions) => Promise<Committed>
  /**
   * Answers a browser that registers a key for a session, or proves that it still has the key. Resolves with `null` for
   * any other request, and without the option `deviceBound`. Mount it for `POST` at `deviceBound.path`, before the app
   * checks origins or form tokens.
   */
  readonly deviceBinding: (request: Request) => Promise<Response | null>
  /** The lifetimes, cookie and limits in force. Contains no secret. */
  readonly describePolicy: () => Policy
}

/** The type of the session of a request before it is loaded: `RequestSessionOf<typeof sessions>`. */
export type RequestSessionOf<sessions extends Pick<Sessions<object>, 'lazy'>> =
  ReturnType<sessions['lazy']> extends LazySession<infer data> ? RequestSession<data> : never

/** The type of a loaded session: `SessionOf<typeof sessions>`. */
export type SessionOf<sessions extends { readonly open: Open<object> }> = sessions extends {
  readonly open: Open<infer data>
}
  ? Session<data>
  : never

/** Sets up sessions with a schema, which defines the type and the defaults of `session.data`. */
export function createSessions<schema extends StandardSchema<unknown, object>>(
  options: SessionsOptions<SchemaOutput<schema> & object> & SchemaOption<schema>,
): Sessions<SchemaOutput<schema> & object>
/**
 * Sets up sessions. Every key of `data` is optional in `session.data`, because a new session is empty.
 * Throws a `SessionError` `invalid-option` for an option that cannot work.
 */
export function createSessions<data extends object = Record<string, unknown>>(
  options: SessionsOptions<data>,
): Sessions<Partial<data>>
export function createSessions(options: AnyOptions): Sessions<object> {
  const context = createContext(readOptions(options))
  warnOfSharedStore(context.store, options.namespace, context.onEvent)
  const opens: OpenRequest = (source, how, again) => openRequest(context, source, how, again)
  const lazy = (source: CookieSource, how?: LazyOptions): LazyRequest =>
    new LazyRequest(opens, source, { ...how, onFailure: how?.onFailure ?? context.onFailure })
  return {
    handle: (request, handler, how) => handle(lazy(request, how), handler),
    fetch: fetchHandler(lazy),
    open: (source, how) => mustAwait(open(context, source, how)),
    lazy,
    destroy: (source, how) =>
      mustAwait(within(context, (own) => destroyUnloaded(own, source, how))),
    revoke: (subject, how) =>
      within(context, (own) => createSubjectSessions(own).revoke(subject, how)),
    list: (subject) => within(context, (own) => createSubjectSessions(own).list(subject)),
    end: (subject, ref) => within(context, (own) => createSubjectSessions(own).end(subject, ref)),
    deviceBinding: (request) => answerDeviceBinding(context, request),
    describePolicy: () => describePolicy(context),
  }
}

function createContext(settings: Settings): CommitContext {
  const { cache, now, random, wait } = settings
  const recordCache = cache && new BoundedCache<UnsealedRecord>(cache, now)
  const sealing = { ...settings, recordCache }
  const context: CommitContext = {
    ...settings,
    records: createSealedStore(sealing, recordCodec),
    lists: createSealedStore(sealing, listCodec),
    listAddressCache: new BoundedCache(listAddressLimits, now),
    lifetimes: new KnownLifetimes(settings.lifetime, now),
    refusedIds: new RefusedIds(),
    queue: new Queue(batchLength, patience),
    listQueue: new Queue((changes) => changes.length, patience),
    loads: { count: 0 },
    backOff: (tries) => wait(backoffTime(randomChance(random), tries)),
    begin: null,
    release() {},
  }
  return beginRequests(context, sealing)
}

/** Real time, even in tests with a fake clock: no outcome depends on it. */
function patience(): Promise<void> {
  return sleepIdly(maxBatchTime)
}

async function destroyUnloaded(
  context: CommitContext,
  source: CookieSource,
  options: OpenOptions = {},
): Promise<Committed> {
  checkFlags(options)
  const form = context.cookieFor(source, options)
  const asker = { form, intent: 'destroy', isRead: true, clearSiteData: null } as const
  const committed = (outcome: Outcome): Committed =>
    toCommitted(context, { outcome, tries: 0 }, { ...asker, id: null })
  if (form === null) {
    context.onEvent({ type: 'request.insecure' })
    return committed('unconfirmed')
  }
  const { token, former } = readPresented(source, form, context.onEvent)
  if (token === null) return committed('unchanged')
  const address = await addressOf(context.namespace, token)
  const written = await destroy(context, address, null)
  const worthless = worthlessCookies(context, source, form, written)
  return toCommitted(context, written, { ...asker, id: address.id, former, worthless })
}

import { diff, isEmpty } from './changes.ts'
import type { Blocks } from './changes.ts'
import { backoffTime, blankRecord, replay } from './commit.ts'
import type { Done, Edit, Fresh } from './commit.ts'
import { createCommits } from './commits.ts'
import type { Cookie, CookieForm } from './cookie.ts'
import { deleteCookie, readCookies, writeCookie } from './cookie.ts'
import type { CookieSource, Transport } from './cookie-choice.ts'
import { attachRoots } from './csrf.ts'
import { adoptData, createData } from './data.ts'
import type { Data, Refuse } from './data.ts'
import { createDenials } from './denials.ts'
import { SessionError } from './errors.ts'
import { handleOf } from './events.ts'
import { endOf, isDue } from './expiry.ts'
import { applyToResponse } from './headers.ts'
import type { Listed } from './lists.ts'
import { listCodec } from './lists.ts'
import { createLookup, nothingFound } from './lookup.ts'
import type { Finding } from './lookup.ts'
import { isFailure, nextStep } from './next-step.ts'
import type { Failure, Outcome } from './next-step.ts'
import { encodeBase64url } from './oslo.ts'
import type { Policy } from './policy.ts'
import { policyOf } from './policy.ts'
import { decodeEntry, encodeEntry, rootLength } from './record.ts'
import type { Entry, Owner } from './record.ts'
import type { SchemaOutput, StandardSchema } from './schema.ts'
import { emptyOf, validate } from './schema.ts'
import { createSession } from './session.ts'
import type { Session, Wishes } from './session.ts'
import { readOptions } from './settings.ts'
import type { AnyOptions, SchemaOption, SessionsOptions } from './settings.ts'
import { sharedMap } from './shared-map.ts'
import { createSubjects } from './subjects.ts'
import type { ListOutcome } from './subjects.ts'
import { identify, isToken, randomBytes } from './token.ts'
import { createVault } from './vault.ts'

/** What a commit did, and the cookie that goes with it. */
export interface Committed {
  readonly outcome: Outcome
  /** To be set by whoever answers, or `null`: leave the visitor's cookie alone. Its value is a secret. */
  readonly cookie: Cookie | null
  /**
   * What the answer must say to caches: `private, no-store` with a cookie, `private` when the handler looked
   * at the session (and `Vary: Cookie` in both cases); `null`: nothing. `applyTo` does it.
   */
  readonly cacheControl: 'private, no-store' | 'private' | null
  /** The value of `Clear-Site-Data`, where `destroy` asked for it, or `null`. `applyTo` sets it. */
  readonly clearSiteData: string | null
  /** The response with all that: the same one, or a copy where its headers cannot be changed. */
  readonly applyTo: (response: Response) => Response
}

/** The two halves of `handle`, for frameworks that keep cookies and responses to themselves. */
export interface Opened<data extends object> {
  readonly session: Session<data>
  /**
   * Saves what the handler did, once: a second call gives the first one's result. Rejects, with nothing
   * written, when the session holds what cannot be kept; then it can be called again.
   */
  readonly commit: () => Promise<Committed>
  /**
   * Makes every later change throw a `SessionError` `read-only` with this text, which should say where to
   * write instead: for places where a framework can read a session, but not save it.
   */
  readonly lock: (reason: string) => void
}

/** What a commit has to know of its request. `form`: `null` where no cookie may be set. */
interface Visit {
  readonly id: string | null
  readonly form: CookieForm | null
  readonly touched: boolean
  readonly clearSiteData: string | null
}

/** One of a subject's sessions. */
export interface SubjectSession {
  /** Names the session in `end`; worth nothing as a token. */
  readonly handle: string
  readonly createdAt: Date
  readonly renewedAt: Date | null
  readonly label: string | null
}

/** `revoked`: done. `gone`: there was nothing to end. `unconfirmed`: the store did not confirm it. */
export type RevokeOutcome = 'revoked' | 'gone' | 'unconfirmed'

export interface Sessions<data extends object> {
  /**
   * Answers a request with a session: opens it, calls the handler, saves what changed, and sets the
   * cookie. The session is saved before the response is returned. A Response that the handler throws is
   * thrown on, with the cookie. When it throws anything else, nothing is saved, but a `destroy` asked for
   * is carried out.
   *
   * `onFailure` answers instead when what the handler did could not be saved: without it, a login during an
   * outage would look like one that worked.
   */
  readonly handle: (
    request: Request,
    handler: (session: Session<data>) => Response | Promise<Response>,
    onFailure?: (failure: Failure) => Response | Promise<Response>,
  ) => Promise<Response>
  /** The first half of `handle`. */
  readonly open: (source: CookieSource, transport?: Transport) => Promise<Opened<data>>
  /**
   * Ends the request's session without loading it: one trip, where `session.destroy()` takes two. (With
   * `lifetime.rotate` it has to look first.)
   */
  readonly destroy: (source: CookieSource, transport?: Transport) => Promise<Committed>
  /**
   * Ends all sessions of a subject, on every device, with one write: for a disabled account, a stolen
   * password. `except`: the session that stays. From the next load on they are over.
   */
  readonly revoke: (
    subject: string,
    options?: { readonly except?: Session<object> },
  ) => Promise<RevokeOutcome>
  /** A subject's sessions. Throws a `SessionError` `unavailable` when the store cannot be reached. */
  readonly list: (subject: string) => Promise<readonly SubjectSession[]>
  /** Ends one of a subject's sessions. */
  readonly end: (subject: string, handle: string) => Promise<RevokeOutcome>
  /** What these sessions hold to: lifetimes, cookie, limits. No secret is in it. */
  readonly describePolicy: () => Policy
}

/** With a schema, which gives `session.data` its type and its defaults. */
export function createSessions<schema extends StandardSchema<unknown, object>>(
  options: SessionsOptions<SchemaOutput<schema> & object> & SchemaOption<schema>,
): Sessions<SchemaOutput<schema> & object>
/**
 * Sets up sessions. Every key of `data` is optional in `session.data`, because a new session has none.
 * Throws a `SessionError` `invalid-option` for an option that cannot work.
 */
export function createSessions<data extends object = Record<string, unknown>>(
  options: SessionsOptions<data>,
): Sessions<Partial<data>>
export function createSessions(options: AnyOptions): Sessions<object> {
  const settings = readOptions(options)
  const { cookieFor, lifetime, namespace, schema, seal, onEvent, now, settle, random } = settings
  const entryCodec = { encode: encodeEntry, decode: decodeEntry }
  const entries = createVault<Entry>(settings.store, seal, entryCodec, onEvent)
  const lists = createVault(settings.store, seal, listCodec, onEvent)
  const backOff = (tries: number): Promise<void> => settings.wait(backoffTime(random, tries))
  const denials = createDenials(async (identity) => {
    const { outcome } = await commits.destroy(identity, null)
    return outcome !== 'unconfirmed'
  }, settings.waitIdly)
  const lookup = createLookup({ ...settings, entries, lists, isDenied: denials.has })
  const subjects = createSubjects({ ...settings, entries, lists, backOff })
  const commits = createCommits({ ...settings, entries, lookup, subjects, backOff })
  let loads = 0

  function findToken(source: CookieSource, { name }: CookieForm): string | null {
    const values = readCookies(cookieHeader(source), name)
    const [token] = values
    if (token === undefined) return null
    if (values.length > 1) onEvent({ type: 'token.duplicate' })
    else if (isToken(token)) return token
    else onEvent({ type: 'token.malformed' })
    return null
  }

  async function shape(finding: Finding): Promise<Finding & { data: Data; base: Blocks }> {
    const stored: Blocks = finding.loaded?.record.blocks ?? new Map()
    const lazy = createData(stored)
    if (schema === null) return { ...finding, data: lazy, base: stored }
    const valid = finding.loaded && (await validate(schema, { ...lazy.object }))
    if (valid) return { ...finding, ...adopt(valid) }
    const empty = adopt(await emptyOf(schema))
    const { identity, loaded } = finding
    if (identity === null || loaded === null) return { ...finding, ...empty }
    onEvent({ type: 'record.unreadable', handle: handleOf(identity.id), reason: 'schema' })
    return { found: 'unreadable', identity, loaded: null, ...empty }
  }

  /** A new tie where the app named another subject; none where it took the name away. */
  async function tie(before: Owner | null, { subject }: Wishes): Promise<Owner | null | undefined> {
    if (subject === (before?.subject ?? null)) return undefined
    if (subject === null) return null
    const handle = encodeBase64url(randomBytes(random, 12))
    return { subject, listId: await subjects.listIdOf(subject), handle }
  }

  async function find(source: CookieSource, form: CookieForm | null): Promise<Finding> {
    if (form === null) {
      onEvent({ type: 'request.insecure' })
      return insecure
    }
    const token = findToken(source, form)
    return token === null ? nothingFound : lookup.find(token)
  }

  async function open(source: CookieSource, transport?: Transport): Promise<Opened<object>> {
    const form = cookieFor(source, transport)
    const { found, identity, loaded, data, base } = await shape(await find(source, form))
    const order = loads++
    if (found === 'unavailable') failIfAsked('unavailable', form)
    const record = loaded?.record ?? null
    const owner = record?.owner ?? null
    const facts = {
      found,
      id: loaded && loaded.identity.id,
      createdAt: record && record.createdAt,
      renewedAt: record && record.renewedAt,
      subject: owner && owner.subject,
    }
    const handle = createSession(data.object, facts, now)
    const { session, wishes } = handle
    if (owner !== null) subjectHandles().set(session, owner.handle)
    let nextRoot: Uint8Array | null = null
    const newRoot = (): Uint8Array => (nextRoot ??= randomBytes(random, rootLength))
    const isRenewed = (): boolean =>
      wishes().intent === 'renew' || wishes().subject !== facts.subject
    attachRoots(session, {
      issue: () => (record === null || isRenewed() ? newRoot() : record.root),
      loaded: record && record.root,
    })
    let committed: Promise<Committed> | null = null

    function lock(refuse: Refuse): void {
      data.close(refuse)
      handle.close(refuse)
    }

    /** Synchronous up to the first trip, so that what the handler does later is surely refused. */
    function start(): Promise<Done> {
      const wish = wishes()
      const intent = wish.intent === 'keep' && isRenewed() ? 'renew' : wish.intent
      const changes = readChanges(data, base, intent)
      const isChanged = !isEmpty(changes) || wish.subject !== facts.subject || nextRoot !== null
      const due = record !== null && isDue(lifetime, record.rotatedAt, now())
      const step = nextStep(found, intent, isChanged, due)
      const newSubject = wish.subject !== facts.subject && wish.subject !== null
      const isNewToken = step.do === 'create' || step.do === 'renew'
      const fresh: Fresh = {
        trusted: intent === 'renew',
        restart: newSubject || wish.reauthenticated,
        owner: undefined,
        label: wish.label,
        root: isNewToken ? newRoot() : noRoot,
      }
      const edit: Edit = { base, changes, fresh }
      if (step.do !== 'nothing' && step.do !== 'destroy') {
        replay(record ?? blankRecord(0, fresh), edit, settle, settings.maxBytes)
      }
      lock(refuseLate)
      if (step.do === 'save' || step.do === 'rotate') warnOfFixation(edit)
      if (step.do === 'nothing') return Promise.resolve({ outcome: step.outcome, tries: 0 })
      if (step.do === 'destroy') {
        return identity === null ? Promise.resolve(unreached) : commits.destroy(identity, loaded)
      }
      return act(step.do, edit, wish)
    }

    /** The token stays, so whoever knew it from before is signed in as well. */
    function warnOfFixation({ changes }: Edit): void {
      const key = settings.authKeys.find((each) => changes.set.has(each) && !base.has(each))
      if (key !== undefined && facts.id !== null) {
        onEvent({ type: 'fixation.risk', handle: handleOf(facts.id), key })
      }
    }

    async function act(
      step: 'create' | 'save' | 'renew' | 'rotate',
      edit: Edit,
      wish: Wishes,
    ): Promise<Done> {
      const fresh = { ...edit.fresh, owner: await tie(owner, wish) }
      if (step === 'create' || loaded === null) return commits.create({ ...edit, fresh })
      return commits[step]({ ...edit, fresh, loaded, order })
    }

    async function run(): Promise<Committed> {
      const done = await start()
      const ended = done.outcome === 'destroyed' || done.outcome === 'gone'
      handle.rename(ended ? null : (done.identity?.id ?? facts.id))
      if (done.outcome === 'unconfirmed' && identity !== null) denials.add(identity)
      const clearSiteData = done.outcome === 'unconfirmed' ? null : wishes().clearSiteData
      const id = identity && identity.id
      return conclude(done, { id, form, touched: handle.touched(), clearSiteData })
    }

    return {
      session,
      commit() {
        committed ??= run().catch((error: unknown) => {
          committed = null
          handle.reopen()
          if ((error as Partial<SessionError>).code === 'too-large') {
            onEvent({ type: 'session.too-large', handle: facts.id && handleOf(facts.id) })
          }
          throw error
        })
        return committed
      },
      lock: (reason) => lock(() => refuseLocked(reason)),
    }
  }

  function conclude(done: Done, { id: loadedId, form, touched, clearSiteData }: Visit): Committed {
    const { outcome, tries, identity, createdAt } = done
    const id = identity?.id ?? loadedId
    if (outcome !== 'unchanged') {
      onEvent({ type: 'commit', handle: id && handleOf(id), outcome, tries })
    }
    if (outcome === 'unavailable' || outcome === 'unconfirmed') failIfAsked(outcome, form)
    const age = createdAt === undefined ? 0 : Math.ceil((endOf(lifetime, createdAt) - now()) / 1000)
    const isIssued = identity !== undefined && createdAt !== undefined
    const issued = form && isIssued ? writeCookie(form, identity.token, age) : null
    const cookie = form && outcome === 'destroyed' ? deleteCookie(form) : issued
    const explain = settings.explain ? outcome : null
    const onOverride = (): void => onEvent({ type: 'cache.override' })
    return {
      outcome,
      cookie,
      cacheControl: cookie === null ? (touched ? 'private' : null) : 'private, no-store',
      clearSiteData,
      applyTo: (response) =>
        applyToResponse(response, { cookie, touched, clearSiteData, explain, onOverride }),
    }
  }

  function failIfAsked(outcome: 'unavailable' | 'unconfirmed', form: CookieForm | null): void {
    if (settings.unavailable === 'degrade') return
    if (form === null) throw new SessionError('unavailable', overPlainHttp)
    const what = outcome === 'unconfirmed' ? 'did not confirm the end of the session' : 'did not answer'
    throw new SessionError('unavailable', `The session store ${what}: answer 503, and try again later`)
  }

  async function handle(
    request: Request,
    handler: (session: Session<object>) => Response | Promise<Response>,
    onFailure?: (failure: Failure) => Response | Promise<Response>,
  ): Promise<Response> {
    const opened = await open(request)
    let response: Response
    try {
      response = await handler(opened.session)
    } catch (thrown) {
      throw await settleThrown(opened, thrown)
    }
    if (!isResponse(response)) {
      throw new TypeError('sessions.handle: the handler must return a Response')
    }
    const { outcome, applyTo } = await opened.commit()
    return applyTo(onFailure && isFailure(outcome) ? await onFailure(outcome) : response)
  }

  return {
    handle,
    open,
    async destroy(source, transport) {
      const form = cookieFor(source, transport)
      const visit = { id: null, form, touched: true, clearSiteData: null }
      if (form === null) onEvent({ type: 'request.insecure' })
      const token = form && findToken(source, form)
      if (token === null) return conclude(form ? { outcome: 'unchanged', tries: 0 } : unreached, visit)
      const identity = await identify(namespace, token)
      const done = await commits.destroy(identity, null)
      if (done.outcome === 'unconfirmed') denials.add(identity)
      return conclude(done, { ...visit, id: identity.id })
    },
    async revoke(subject, { except } = {}) {
      checkSubject(subject)
      const handleOfExcept = except === undefined ? null : subjectHandles().get(except)
      if (handleOfExcept !== undefined) {
        return revokeOutcome(await subjects.revoke(subject, handleOfExcept))
      }
      throw new TypeError(
        'sessions.revoke: except must be a session that was loaded with this subject; ' +
          'one that signs in with this request is not yet in the list, and needs no exception',
      )
    },
    async list(subject) {
      checkSubject(subject)
      const found = await subjects.list(subject)
      if (found !== 'unavailable') return [...found].map(show)
      throw new SessionError('unavailable', 'The session store did not answer: answer 503')
    },
    async end(subject, handleOfSession) {
      checkSubject(subject)
      return revokeOutcome(await subjects.end(subject, handleOfSession))
    },
    describePolicy: () => policyOf(settings),
  }
}

/** By which handle a session that was loaded is in its subject's list. */
const subjectHandles = (): WeakMap<object, string> => sharedMap('subject handles, 1')

function show([handle, { createdAt, renewedAt, label }]: readonly [string, Listed]): SubjectSession {
  return {
    handle,
    createdAt: new Date(createdAt),
    renewedAt: renewedAt === null ? null : new Date(renewedAt),
    label,
  }
}

function revokeOutcome(outcome: ListOutcome): RevokeOutcome {
  if (outcome === 'saved') return 'revoked'
  return outcome === 'missing' ? 'gone' : 'unconfirmed'
}

function checkSubject(subject: string): void {
  if (typeof subject === 'string' && subject !== '') return
  throw new TypeError('The subject must be the text that session.subject was set to')
}

function cookieHeader(source: CookieSource): string {
  if (typeof source === 'string') return source
  if (source === null || source === undefined) return ''
  if (typeof source.headers?.get === 'function') return source.headers.get('Cookie') ?? ''
  throw new TypeError('sessions: give a Request, or the value of its Cookie header (Node: req.headers.cookie)')
}

/**
 * The base of a validated session is what the schema made of it, so that defaults are no change. The app
 * gets a copy: a schema may give the same default to every visitor.
 */
function adopt(object: object): { data: Data; base: Blocks } {
  const base = adoptData(object).blocks()
  return { data: createData(base), base }
}

/** What the handler changed; nothing when that does not matter, so that a logout cannot fail by it. */
function readChanges(data: Data, base: Blocks, intent: Wishes['intent']): Edit['changes'] {
  const dropped = intent === 'destroy' || intent === 'discard'
  return diff(base, dropped ? base : data.blocks())
}

/** There may be a session, but no cookie is read that came over plain http. */
const insecure: Finding = { ...nothingFound, found: 'unavailable' }
/** What becomes of a logout then. */
const unreached: Done = { outcome: 'unconfirmed', tries: 0 }

const overPlainHttp =
  'The request came over plain http, where no session is read or saved: redirect to https; behind a proxy that ' +
  'ends TLS and sets X-Forwarded-Proto, set cookie.trustProxy'

/** For steps that keep the root there is. */
const noRoot = new Uint8Array(rootLength)

function refuseLate(what: string): never {
  throw new SessionError(
    'committed',
    `${what} after the session was saved has no effect: do it before the response is returned`,
  )
}

function refuseLocked(reason: string): never {
  throw new SessionError('read-only', reason)
}

/**
 * What to throw on. A thrown Response is an answer: the session is saved with it. After any other throw
 * the changes are dropped; `discard` leaves a `destroy` that was asked for standing.
 */
async function settleThrown(opened: Opened<object>, thrown: unknown): Promise<unknown> {
  if (isResponse(thrown)) return (await opened.commit()).applyTo(thrown)
  opened.session.discard()
  // What could not be saved matters less than what was thrown.
  await opened.commit().catch(() => {})
  return thrown
}

/** By shape: a server or framework may bring its own class. */
function isResponse(value: unknown): value is Response {
  const { status, headers } = (value ?? {}) as Partial<Response>
  return typeof status === 'number' && typeof headers?.append === 'function'
}

import { diff, isEmpty } from '../rules/changes.ts'
import type { Blocks } from '../rules/changes.ts'
import { backoffTime, blankRecord, replay } from '../commit/commit.ts'
import type { Done, Edit, Fresh } from '../commit/commit.ts'
import { createCommits } from '../commit/commits.ts'
import { createConclude, failIfAsked } from '../commit/committed.ts'
import type { Committed } from '../commit/committed.ts'
import { readCookies } from '../http/cookie.ts'
import type { CookieForm } from '../http/cookie.ts'
import type { CookieSource, Transport } from '../http/cookie-choice.ts'
import { attachRoots } from '../session/csrf.ts'
import { adoptData, createData } from '../data/data.ts'
import type { Data, Refuse } from '../data/data.ts'
import { createDenials } from '../load/pending-logouts.ts'
import { SessionError } from '../errors.ts'
import { handleOf } from '../events.ts'
import { isDue } from '../rules/lifetime.ts'
import { createHandle } from './handle.ts'
import type { Handle, Opened } from './handle.ts'
import { listCodec } from '../subjects/list.ts'
import { createLookup, nothingFound } from '../load/load.ts'
import type { Finding } from '../load/load.ts'
import { nextStep } from '../rules/next-step.ts'
import { encodeBase64url } from '../crypto/base64url.ts'
import { policyOf } from './describe-policy.ts'
import type { Policy } from './describe-policy.ts'
import { decodeEntry, encodeEntry, rootLength } from '../store/record.ts'
import type { Entry, Owner } from '../store/record.ts'
import { emptyOf, validate } from '../data/schema.ts'
import type { SchemaOutput, StandardSchema } from '../data/schema.ts'
import { createSession } from '../session/session.ts'
import type { Wishes } from '../session/session.ts'
import { readOptions } from '../settings/settings.ts'
import type { AnyOptions, SchemaOption, SessionsOptions } from '../settings/settings.ts'
import { createSubjectSessions, subjectHandles } from '../subjects/subject-sessions.ts'
import type { SubjectSessions } from '../subjects/subject-sessions.ts'
import { createSubjects } from '../subjects/subjects.ts'
import { identify, isToken, randomBytes } from '../crypto/token.ts'
import { createVault } from '../store/sealed-store.ts'

export interface Sessions<data extends object> extends SubjectSessions {
  /**
   * Answers a request with a session: opens it, calls the handler, saves what changed, and sets the
   * cookie. The session is saved before the response is returned. A Response that the handler throws is
   * thrown on, with the cookie. When it throws anything else, nothing is saved, but a `destroy` asked for
   * is carried out.
   *
   * `onFailure` answers instead when what the handler did could not be saved: without it, a login during an
   * outage would look like one that worked.
   */
  readonly handle: Handle<data>
  /** The first half of `handle`. */
  readonly open: (source: CookieSource, transport?: Transport) => Promise<Opened<data>>
  /**
   * Ends the request's session without loading it: one trip, where `session.destroy()` takes two. (With
   * `lifetime.rotate` it has to look first.)
   */
  readonly destroy: (source: CookieSource, transport?: Transport) => Promise<Committed>
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
  const conclude = createConclude(settings)
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
    if (found === 'unavailable') failIfAsked(settings.unavailable, 'unavailable', form)
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

  return {
    handle: createHandle(open),
    open,
    async destroy(source, transport) {
      const form = cookieFor(source, transport)
      const visit = { id: null, form, touched: true, clearSiteData: null }
      if (form === null) onEvent({ type: 'request.insecure' })
      const token = form && findToken(source, form)
      if (token === null)
        return conclude(form ? { outcome: 'unchanged', tries: 0 } : unreached, visit)
      const identity = await identify(namespace, token)
      const done = await commits.destroy(identity, null)
      if (done.outcome === 'unconfirmed') denials.add(identity)
      return conclude(done, { ...visit, id: identity.id })
    },
    ...createSubjectSessions(subjects),
    describePolicy: () => policyOf(settings),
  }
}

function cookieHeader(source: CookieSource): string {
  if (typeof source === 'string') return source
  if (source === null || source === undefined) return ''
  if (typeof source.headers?.get === 'function') return source.headers.get('Cookie') ?? ''
  throw new TypeError(
    'sessions: give a Request, or the value of its Cookie header (Node: req.headers.cookie)',
  )
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

import { diff, isEmpty } from './changes.ts'
import type { Blocks } from './changes.ts'
import { createCommits, replay } from './commits.ts'
import type { Done, Edit } from './commits.ts'
import type { Cookie } from './cookie.ts'
import { deleteCookie, readCookies, writeCookie } from './cookie.ts'
import { adoptData, createData } from './data.ts'
import type { Data, Refuse } from './data.ts'
import { SessionError } from './errors.ts'
import { handleOf } from './events.ts'
import { endOf, hasEnded } from './expiry.ts'
import { applyToResponse } from './headers.ts'
import { nextStep } from './next-step.ts'
import type { Found, Intent, Outcome } from './next-step.ts'
import { readOptions } from './settings.ts'
import type { SessionsOptions } from './settings.ts'
import { noWrites } from './record.ts'
import { emptyOf, validate } from './schema.ts'
import type { SchemaOutput, StandardSchema } from './schema.ts'
import { createSession } from './session.ts'
import type { Session } from './session.ts'
import { idOf, isToken } from './token.ts'
import { createVault } from './vault.ts'
import type { Loaded } from './vault.ts'

/** A request, or the value of its `Cookie` header. */
export type CookieSource = Request | string | null | undefined

/** What a commit did, and the cookie that goes with it. */
export interface Committed {
  readonly outcome: Outcome
  /** To be set by whoever answers, or `null`: leave the visitor's cookie alone. Its value is a secret. */
  readonly cookie: Cookie | null
  /** The response with that cookie: the same one, or a copy where its headers cannot be changed. */
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

export interface Sessions<data extends object> {
  /**
   * Answers a request with a session: opens it, calls the handler, saves what changed, and sets the
   * cookie. The session is saved before the response is returned. A Response that the handler throws is
   * thrown on, with the cookie. When it throws anything else, nothing is saved, but a `destroy` asked for
   * is carried out.
   */
  readonly handle: (
    request: Request,
    handler: (session: Session<data>) => Response | Promise<Response>,
  ) => Promise<Response>
  /** The first half of `handle`. */
  readonly open: (source: CookieSource) => Promise<Opened<data>>
  /** Ends the request's session without loading it: one trip, where `session.destroy()` takes two. */
  readonly destroy: (source: CookieSource) => Promise<Committed>
}

interface Finding {
  readonly found: Found
  readonly id: string | null
  readonly loaded: Loaded | null
}

const nothingFound: Finding = { found: 'nothing', id: null, loaded: null }

/** With a schema, which gives `session.data` its type and its defaults. */
export function createSessions<schema extends StandardSchema<unknown, object>>(
  options: SessionsOptions<SchemaOutput<schema> & object> & { readonly schema: schema },
): Sessions<SchemaOutput<schema> & object>
/**
 * Sets up sessions. Every key of `data` is optional in `session.data`, because a new session has none.
 * Throws a `SessionError` `invalid-option` for an option that cannot work.
 */
export function createSessions<data extends object = Record<string, unknown>>(
  options: SessionsOptions<data>,
): Sessions<Partial<data>>
export function createSessions(options: SessionsOptions<object>): Sessions<object> {
  const settings = readOptions(options)
  const { cookie: form, lifetime, namespace, schema, onEvent, now, settle, maxBytes } = settings
  const vault = createVault(settings.store, onEvent)
  const commits = createCommits({ ...settings, vault })
  let loads = 0

  async function findId(source: CookieSource): Promise<string | null> {
    const values = readCookies(cookieHeader(source), form.name)
    const [token] = values
    if (token === undefined) return null
    if (values.length > 1) onEvent({ type: 'token.duplicate' })
    else if (isToken(token)) return idOf(namespace, token)
    else onEvent({ type: 'token.malformed' })
    return null
  }

  async function find(source: CookieSource): Promise<Finding> {
    const id = await findId(source)
    if (id === null) return nothingFound
    const result = await vault.load(id, now() + lifetime.idle)
    if (result === 'unavailable' || result === 'unreadable') {
      return { found: result, id, loaded: null }
    }
    if (result !== 'missing' && !hasEnded(lifetime, result.record.createdAt, now())) {
      return { found: 'live', id, loaded: result }
    }
    onEvent({ type: 'token.unknown', handle: handleOf(id) })
    return nothingFound
  }

  async function shape(finding: Finding): Promise<Finding & { data: Data; base: Blocks }> {
    const stored: Blocks = finding.loaded?.record.blocks ?? new Map()
    const lazy = createData(stored)
    if (schema === null) return { ...finding, data: lazy, base: stored }
    const valid = finding.loaded && (await validate(schema, { ...lazy.object }))
    if (valid) return { ...finding, ...adopt(valid) }
    const empty = adopt(await emptyOf(schema))
    if (finding.loaded === null) return { ...finding, ...empty }
    const handle = handleOf(finding.id as string)
    onEvent({ type: 'record.unreadable', handle, reason: 'schema' })
    return { found: 'unreadable', id: finding.id, loaded: null, ...empty }
  }

  async function open(source: CookieSource): Promise<Opened<object>> {
    const { found, id, loaded, data, base } = await shape(await find(source))
    const order = loads++
    if (found === 'unavailable') failIfAsked('unavailable')
    const { session, intent, close, rename } = createSession(data.object, found, loaded && id)
    let committed: Promise<Committed> | null = null

    function lock(refuse: Refuse): void {
      data.close(refuse)
      close(refuse)
    }

    /** Synchronous up to the first trip, so that what the handler does later is surely refused. */
    function start(): Promise<Done> {
      const edit = readEdit(data, base, intent())
      const step = nextStep(found, intent(), !isEmpty(edit.changes))
      if (step.do === 'create' || step.do === 'save' || step.do === 'renew') {
        replay(loaded?.record ?? blank, edit, settle, maxBytes)
      }
      lock(refuseLate)
      switch (step.do) {
        case 'nothing':
          return Promise.resolve({ outcome: step.outcome, tries: 0 })
        case 'create':
          return commits.create(edit)
        case 'destroy':
          return commits.destroy(id as string)
        default: {
          const live = { ...edit, loaded: loaded as Loaded, order }
          return commits[step.do](id as string, live)
        }
      }
    }

    async function run(): Promise<Committed> {
      const done = await start()
      const ended = done.outcome === 'destroyed' || done.outcome === 'gone'
      rename(ended ? null : (done.id ?? session.id))
      return conclude(done, id)
    }

    return {
      session,
      commit() {
        committed ??= run().catch((error: unknown) => {
          committed = null
          throw error
        })
        return committed
      },
      lock: (reason) => lock(() => refuseLocked(reason)),
    }
  }

  function conclude(done: Done, loadedId: string | null): Committed {
    const { outcome, tries, token, createdAt } = done
    const id = done.id ?? loadedId
    if (outcome !== 'unchanged') {
      onEvent({ type: 'commit', handle: id && handleOf(id), outcome, tries })
    }
    if (outcome === 'unavailable' || outcome === 'unconfirmed') failIfAsked(outcome)
    const age = createdAt === undefined ? 0 : endOf(lifetime, createdAt) - now()
    const issued = token === undefined ? null : writeCookie(form, token, Math.ceil(age / 1000))
    const cookie = outcome === 'destroyed' ? deleteCookie(form) : issued
    const explain = settings.explain ? outcome : null
    return { outcome, cookie, applyTo: (response) => applyToResponse(response, cookie, explain) }
  }

  function failIfAsked(outcome: 'unavailable' | 'unconfirmed'): void {
    if (settings.unavailable === 'degrade') return
    const what = outcome === 'unconfirmed' ? 'did not confirm the end of the session' : 'did not answer'
    throw new SessionError('unavailable', `The session store ${what}: answer 503, and try again later`)
  }

  async function handle(
    request: Request,
    handler: (session: Session<object>) => Response | Promise<Response>,
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
    const { applyTo } = await opened.commit()
    return applyTo(response)
  }

  return {
    handle,
    open,
    async destroy(source) {
      const id = await findId(source)
      if (id === null) return conclude({ outcome: 'unchanged', tries: 0 }, null)
      return conclude(await commits.destroy(id), id)
    },
  }
}

function refuseLate(what: string): never {
  throw new SessionError(
    'committed',
    `${what} after the session was saved has no effect: do it before the response is returned`,
  )
}

function refuseLocked(reason: string): never {
  throw new SessionError('read-only', reason)
}

/** What a new session is before anything is put in. */
const blank = { createdAt: 0, writes: noWrites, blocks: new Map() }

function cookieHeader(source: CookieSource): string {
  if (typeof source === 'string') return source
  return source?.headers.get('Cookie') ?? ''
}

/** The base of a validated session is what the schema made of it, so that defaults are no change. */
function adopt(object: object): { data: Data; base: Blocks } {
  const data = adoptData(object)
  return { data, base: data.blocks() }
}

/** What the handler changed; nothing when that does not matter, so that a logout cannot fail by it. */
function readEdit(data: Data, base: Blocks, intent: Intent): Edit {
  const dropped = intent === 'destroy' || intent === 'discard'
  return { base, changes: diff(base, dropped ? base : data.blocks()) }
}

/**
 * What to throw on. A thrown Response is an answer: the session is saved with it. After any other throw
 * the changes are dropped; `discard` leaves a `destroy` that was asked for standing.
 */
async function settleThrown(opened: Opened<object>, thrown: unknown): Promise<unknown> {
  if (!isResponse(thrown)) opened.session.discard()
  const { applyTo } = await opened.commit()
  return isResponse(thrown) ? applyTo(thrown) : thrown
}

/** By shape: a server or framework may bring its own class. */
function isResponse(value: unknown): value is Response {
  const { status, headers } = (value ?? {}) as Partial<Response>
  return typeof status === 'number' && typeof headers?.append === 'function'
}

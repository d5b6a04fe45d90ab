import { isPromise } from '../crypto/is-promise.ts'
import { SessionError } from '../errors.ts'
import { idPrefixOf } from '../events.ts'
import { isProduction } from '../check-option.ts'
import type { Cookie, CookieForm } from '../http/cookie.ts'
import { isPlainHttp } from '../http/transport.ts'
import { carryOut } from './carry-out.ts'
import type { Asker, Committed } from './committed.ts'
import { toCommitted } from './committed.ts'
import type { CommitContext } from './context.ts'
import type { SessionAddress } from '../crypto/record-address.ts'
import { readEntry } from '../load/read-entry.ts'
import { isRecord } from '../store/marks.ts'
import { worthlessCookies } from './worthless-cookies.ts'
import type { Written } from './edit.ts'
import { hasTaken, NotWritable } from './edit.ts'
import type { OpenSession, Plan } from './plan.ts'
import { planAccepted } from './accept-by-schema.ts'
import { warnOfFixation } from './plan.ts'
import { noteSeen } from '../subjects/operations.ts'
import { listedOf } from '../subjects/read-membership.ts'

/**
 * Commits a session: the second half of a request. Runs synchronously up to the first round trip, unless the schema is
 * asynchronous; later changes throw. Returns synchronously if no round trip is needed. `form`: `null` if no cookie may
 * be set.
 */
export function commitSession(
  context: CommitContext,
  open: OpenSession,
  form: CookieForm | null,
): Committed | Promise<Committed> {
  const close = () => open.control.close(refuseLate)
  try {
    const plan = planAccepted(context, open, close)
    if (isPromise(plan) || plan.step !== 'nothing' || isToldAgain(open)) {
      return commitPlan(context, open, form, plan)
    }
    return committedAs(context, open, form, { outcome: plan.outcome, tries: 0 })
  } catch (error) {
    return Promise.reject(error as Error)
  }
}

async function commitPlan(
  context: CommitContext,
  open: OpenSession,
  form: CookieForm | null,
  accepted: Plan | Promise<Plan>,
): Promise<Committed> {
  const plan = isPromise(accepted) ? await accepted : accepted
  warnOfFixation(context, open, plan)
  let done: Written
  try {
    done = await carryOut(context, plan)
  } catch (error) {
    if (!(error instanceof NotWritable)) throw error
    done = { outcome: error.outcome, tries: 1 }
  }
  const written = await tellToken(context, open, done)
  const { loaded, isSeenDue } = open.found
  if (isSeenDue && written.outcome === 'saved') await noteSeen(context, loaded?.record)
  return committedAs(context, open, form, written, {
    deviceRegistration: await registrationOf(context, plan, written),
    hasTaken: 'edit' in plan && hasTaken(plan.edit),
  })
}

/**
 * The device registration after a successful sign-in. Only the sign-in's own response carries it: another response may
 * go to a thief.
 */
function registrationOf(
  { deviceBound }: CommitContext,
  plan: Plan,
  { outcome }: Written,
): Promise<string> | null {
  const offer = plan.step === 'create' || plan.step === 'sign-in' ? plan.edit.offer : undefined
  const isDone = outcome === 'created' || outcome === 'renewed'
  return offer === undefined || deviceBound === null || !isDone
    ? null
    : deviceBound.registration(offer)
}

function committedAs(
  context: CommitContext,
  open: OpenSession,
  form: CookieForm | null,
  written: Written,
  more: Partial<Pick<Asker, 'deviceRegistration' | 'hasTaken'>> = {},
): Committed {
  const { control } = open
  open.written = written
  control.id = idAfter(written, control.id)
  const { former, source } = open
  const hasSession = open.touch !== false && open.found.loaded !== null
  const isReplaced = former !== undefined && hasSession && isTold(written)
  const committed = toCommitted(context, written, {
    former: former?.forms,
    isFormerReplaced: isReplaced,
    worthless: worthlessCookies(context, source, form, written, control.start),
    id: open.found.address?.id ?? null,
    form,
    intent: control.asked.intent,
    isRead: control.isRead,
    clearSiteData: control.asked.clearSiteData,
    ...more,
    isForeign: open.found.state === 'unknown-secret',
  })
  if (committed.cookie !== null) warnOfPlainHttp(context, open, committed.cookie)
  context.release()
  return committed
}

/** Warns only in production: development sites often use plain http, and browsers make an exception for localhost. */
function warnOfPlainHttp(
  { onEvent }: CommitContext,
  { source, transport }: OpenSession,
  { secure }: Cookie,
): void {
  if (secure && isProduction() && isPlainHttp(source, transport))
    onEvent({ type: 'cookie.insecure' })
}

/**
 * Sends the current token again to a browser that sent the token from before a rotation, as long as the new token is
 * unused: the response that carried it may have been lost. Also to a browser that sent a former cookie.
 */
async function tellToken(
  context: CommitContext,
  open: OpenSession,
  written: Written,
): Promise<Written> {
  if (!isTold(written)) return written
  // The request does not count as a use, so it does not get the token of a rotation that was committed in the same
  // batch.
  if (open.touch === false) return { ...written, keepsCookie: true }
  const { loaded } = open.found
  if (loaded === null || !isToldAgain(open)) return written
  const { createdAt, isPersistent } = loaded.record
  const address = await stillAt(context, written.address ?? loaded.address)
  return address === null
    ? { ...written, keepsCookie: true }
    : { ...written, address, createdAt, isPersistent }
}

function isToldAgain({ found: { loaded }, former, touch }: OpenSession): boolean {
  if (loaded === null || touch === false) return false
  const isNew = loaded.isForwarded && !loaded.isReused && loaded.record.isTokenUnused
  return isNew || former?.hasToken === true
}

/**
 * The session's address; `null` if it got another token since the load, which the browser may have and must keep, or if
 * it has ended. An outage is neither.
 */
async function stillAt(
  context: CommitContext,
  address: SessionAddress,
): Promise<SessionAddress | null> {
  try {
    const found = await readEntry(context, address)
    if (found === 'unavailable') return address
    const record = typeof found === 'string' ? null : found.record
    if (record === null || !isRecord(record)) return null
    const { owner } = record
    const listed = owner && (await listedOf(context, address.id, owner, null))
    return listed === 'missing' ? null : address
  } catch {
    // The commit is done, so a store fault must not fail it.
    return address
  }
}

/** Whether the session continues and the visitor may get its token. */
function isTold({ outcome, keepsCookie }: Written): boolean {
  return keepsCookie !== true && (outcome === 'unchanged' || outcome === 'saved')
}

/** Reopens the session for changes after a failed commit. */
export function afterFailure(context: CommitContext, open: OpenSession, error: unknown): void {
  open.control.reopen()
  if ((error as Partial<SessionError> | null)?.code === 'too-large') {
    const id = open.found.loaded?.address.id
    const idPrefix = id === undefined ? null : idPrefixOf(id)
    context.onEvent({ type: 'session.too-large', idPrefix })
  }
  context.release()
}

function idAfter({ outcome, address }: Written, id: string | null): string | null {
  if (outcome === 'destroyed' || outcome === 'gone') return null
  return address?.id ?? id
}

function refuseLate(what: string): never {
  throw new SessionError(
    'committed',
    `Coatcheck: ${what} after the session was saved has no effect: do it before the response is returned`,
  )
}

import { SessionError } from '../errors.ts'
import { idPrefixOf } from '../events.ts'
import type { Cookie, CookieForm } from '../http/cookie.ts'
import { deleteCookie, writeCookie } from '../http/cookie.ts'
import { applyToResponse } from '../http/headers.ts'
import { outages, trustProxyRemedy } from '../reasons.ts'
import { endOf, lifetimeOf } from '../rules/lifetime.ts'
import type { Failure, Intent, Outcome } from '../rules/next-step.ts'
import { failureOf } from '../rules/next-step.ts'
import type { Settings } from '../settings/read-options.ts'
import type { Written } from './edit.ts'

/** The result of a commit, and the headers that the response needs. */
export interface Committed {
  readonly outcome: Outcome
  /** Set if the commit did not do what the handler asked for, otherwise `null`. */
  readonly failure: Failure | null
  /** The cookie to set; `null` if the visitor's cookie stays as it is. Its value is a secret. */
  readonly cookie: Cookie | null
  /**
   * Deletions of other cookies of the request, to be set as well: cookies under a former name (`cookie.former`), and
   * the bound cookie of `deviceBound` after a sign-out or if it is not a valid proof. `applyTo` sets them.
   */
  readonly formerCookies: readonly Cookie[]
  /**
   * The `Cache-Control` that the response needs: `private, no-store` with a cookie, `private` if the handler read the
   * session, `null` otherwise. Unless it is `null`, the response also needs `Vary: Cookie`. `applyTo` sets both.
   */
  readonly cacheControl: 'private, no-store' | 'private' | null
  /** The value of `Clear-Site-Data` if `destroy` asked for it, or `null`. `applyTo` sets it. */
  readonly clearSiteData: string | null
  /**
   * The value of the header `Secure-Session-Registration`, which asks the browser to bind the session after a sign-in,
   * or `null`. Like the cookie, it is only for this visitor. `applyTo` sets it.
   */
  readonly deviceRegistration: string | null
  /**
   * Adds these headers to a response. Returns the response itself if there is nothing to add, otherwise a copy with the
   * same body. The given response is not changed, so a response without a body can be a constant. Throws a TypeError if
   * no header can be added: the status is below 200 or above 599, or the body has been read.
   */
  readonly applyTo: (response: Response) => Response
}

/** What the result depends on, besides the write. */
export interface Asker {
  /** The id that the request's token leads to. */
  readonly id: string | null
  /** `null` if no cookie may be set. */
  readonly form: CookieForm | null
  readonly intent: Intent
  readonly isRead: boolean
  readonly clearSiteData: string | null
  readonly deviceRegistration?: string | null
  /** Cookies of the request under former names (`cookie.former`). */
  readonly former?: readonly CookieForm[] | undefined
  /** Whether to delete the former cookies although no cookie is set. */
  readonly isFormerReplaced?: boolean
  /** Bound cookies of the request that are not valid proofs. */
  readonly worthless?: readonly CookieForm[]
  /** Whether the session exists, but is sealed with a secret that this process does not have. */
  readonly isForeign?: boolean
  /** Whether the handler has taken values that were in the session. */
  readonly hasTaken?: boolean
}

type Answering = Pick<Settings, 'lifetime' | 'now' | 'onEvent' | 'explain' | 'unavailable'>

/**
 * Turns what was written into the public result, and emits `commit`. Throws with the option
 * `unavailable: 'throw'` after an outage.
 */
export function toCommitted(settings: Answering, written: Written, asker: Asker): Committed {
  const { onEvent, explain, unavailable } = settings
  const { outcome, tries, address } = written
  const { form, isRead, deviceRegistration = null } = asker
  if (outcome !== 'unchanged') {
    const id = address?.id ?? asker.id
    onEvent({ type: 'commit', idPrefix: id && idPrefixOf(id), outcome, tries })
  }
  if (outcome === 'unavailable' || outcome === 'unconfirmed') {
    failIfAsked(unavailable, asker.isForeign === true ? 'unknown-secret' : outcome, form)
  }
  const cookie = form && cookieOf(settings, written, form)
  const isFormerGone = cookie !== null || asker.isFormerReplaced === true
  const formerForms = isFormerGone ? (asker.former ?? []) : []
  const formerCookies =
    form === null ? [] : [...formerForms, ...(asker.worthless ?? [])].map(deleteCookie)
  const isSet = cookie !== null || formerCookies.length > 0
  const clearSiteData = outcome === 'unconfirmed' ? null : asker.clearSiteData
  return {
    outcome,
    failure: failureOf(outcome, asker.intent, asker.hasTaken),
    cookie,
    formerCookies,
    cacheControl: isSet ? 'private, no-store' : isRead ? 'private' : null,
    clearSiteData,
    deviceRegistration,
    applyTo: (response) =>
      applyToResponse(response, {
        cookie,
        formerCookies,
        touched: isRead,
        clearSiteData,
        registration: deviceRegistration,
        explain: explain ? outcome : null,
        onOverride: () => onEvent({ type: 'cache.override' }),
      }),
  }
}

function cookieOf(
  { lifetime, now }: Answering,
  { outcome, address, createdAt, isPersistent, keepsCookie }: Written,
  form: CookieForm,
): Cookie | null {
  if (outcome === 'destroyed') return deleteCookie(form)
  if (keepsCookie || address === undefined || createdAt === undefined) return null
  const end = endOf(lifetimeOf(lifetime, isPersistent), createdAt)
  return writeCookie(form, address.token, Math.ceil((end - now()) / 1000), isPersistent)
}

/** With the option `unavailable: 'throw'` an outage is an error. `form`: `null` over plain http. */
export function failIfAsked(
  way: Settings['unavailable'],
  why: keyof typeof outages | 'unconfirmed' | 'migration',
  form: CookieForm | null,
): void {
  if (way === 'degrade') return
  if (form === null) throw new SessionError('unavailable', overPlainHttp)
  throw new SessionError('unavailable', `${reasons[why]}: respond with 503, and try again later`)
}

const reasons = {
  ...outages,
  unconfirmed: 'The session store did not confirm the end of the session',
  migration: "The option migrate.up has thrown for the visitor's session",
}

const overPlainHttp =
  'The request came over plain http, where no session is read or saved: redirect to https; ' +
  trustProxyRemedy

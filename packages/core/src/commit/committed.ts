import type { Done } from './commit.ts'
import type { Cookie, CookieForm } from '../http/cookie.ts'
import { deleteCookie, writeCookie } from '../http/cookie.ts'
import { SessionError } from '../errors.ts'
import { handleOf } from '../events.ts'
import { endOf } from '../rules/lifetime.ts'
import { applyToResponse } from '../http/headers.ts'
import type { Outcome } from '../rules/next-step.ts'
import type { Settings } from '../settings/settings.ts'

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

/** What a commit has to know of its request. `form`: `null` where no cookie may be set. */
export interface Visit {
  readonly id: string | null
  readonly form: CookieForm | null
  readonly touched: boolean
  readonly clearSiteData: string | null
}

/** Makes of a commit what the app is given, and tells of it. Throws where an outage is to be an error. */
export function createConclude(
  settings: Pick<Settings, 'lifetime' | 'now' | 'onEvent' | 'explain' | 'unavailable'>,
): (done: Done, visit: Visit) => Committed {
  const { lifetime, now, onEvent, explain, unavailable } = settings
  return (done, { id: loadedId, form, touched, clearSiteData }) => {
    const { outcome, tries, identity, createdAt } = done
    const id = identity?.id ?? loadedId
    if (outcome !== 'unchanged') {
      onEvent({ type: 'commit', handle: id && handleOf(id), outcome, tries })
    }
    if (outcome === 'unavailable' || outcome === 'unconfirmed')
      failIfAsked(unavailable, outcome, form)
    const age = createdAt === undefined ? 0 : Math.ceil((endOf(lifetime, createdAt) - now()) / 1000)
    const isIssued = identity !== undefined && createdAt !== undefined
    const issued = form && isIssued ? writeCookie(form, identity.token, age) : null
    const cookie = form && outcome === 'destroyed' ? deleteCookie(form) : issued
    const told = explain ? outcome : null
    const onOverride = (): void => onEvent({ type: 'cache.override' })
    return {
      outcome,
      cookie,
      cacheControl: cookie === null ? (touched ? 'private' : null) : 'private, no-store',
      clearSiteData,
      applyTo: (response) =>
        applyToResponse(response, { cookie, touched, clearSiteData, explain: told, onOverride }),
    }
  }
}

/** With the option `unavailable: 'throw'` an outage is an error. `form`: null over plain http. */
export function failIfAsked(
  way: Settings['unavailable'],
  outcome: 'unavailable' | 'unconfirmed',
  form: CookieForm | null,
): void {
  if (way === 'degrade') return
  if (form === null) throw new SessionError('unavailable', overPlainHttp)
  const what =
    outcome === 'unconfirmed' ? 'did not confirm the end of the session' : 'did not answer'
  throw new SessionError(
    'unavailable',
    `The session store ${what}: answer 503, and try again later`,
  )
}

const overPlainHttp =
  'The request came over plain http, where no session is read or saved: redirect to https; behind a proxy that ' +
  'ends TLS and sets X-Forwarded-Proto, set cookie.trustProxy'

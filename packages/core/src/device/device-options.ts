import { encodeBase64url } from '../crypto/base64url.ts'
import { randomBytes } from '../crypto/random.ts'
import { isProduction, readWhole, refuseOption, refuseUnknown } from '../check-option.ts'
import { readCookies } from '../http/cookie.ts'
import type { CookieForm } from '../http/cookie.ts'
import { clockSkew, createChallenge } from './derive.ts'
import type { DeviceMode } from '../rules/device-mode.ts'
import type { DeviceBinding, DeviceBound } from './device-binding.ts'
import { boundForm } from './bound-cookie.ts'
import { answerDevice } from './endpoints.ts'
import type { Terms } from './endpoints.ts'
import { allForms, skippedBy, standingOf } from './standing.ts'

export interface DeviceBoundOptions {
  /**
   * What a request without a fresh proof can do with a session that is bound to a device. `observe`: everything; the
   * event `device.stale` is emitted. `prefer`: everything except what `session.requireBound()` protects. `require`:
   * nothing; the session is `unproven` for this request. In every mode, a session whose browser cannot bind sessions is
   * `unbound` and works as usual. Default: `prefer`.
   */
  readonly mode?: DeviceMode
  /**
   * How long a proof is valid, in seconds: for that time a stolen cookie works. From 300 to 3600; outside production
   * (NODE_ENV) from 2. The minimum is 300 because Chromium signs at most six proofs in nine minutes and renews a proof
   * two minutes before its end. Default: 600.
   */
  readonly lifetime?: number
  /**
   * The path of `sessions.deviceBinding` as browsers see it. It answers `POST` requests to `register` and `refresh`
   * below that path. Default: `device-bound` below `cookie.path`.
   */
  readonly path?: string
  /**
   * The origins where visitors sign in, such as `https://app.example.com`. Required with `cookie.domain`, which must
   * then be the registrable domain. `sessions.deviceBinding` lists them at `/.well-known/device-bound-sessions`.
   * Browsers request that from the registrable domain over https, unless the visitor signs in there. Default: none.
   */
  readonly registeringOrigins?: readonly string[]
}

const modes: readonly DeviceMode[] = ['observe', 'prefer', 'require']

/** A path that is valid in a header and in JSON: no quotes, spaces or escapes. */
const pathGrammar = /^(\/[A-Za-z0-9._~!$&()*+,=:@-]+)+$/

/**
 * Makes the option `deviceBound` of `createSessions`, which binds sessions to the device that signed in, with Device
 * Bound Session Credentials (W3C): the browser keeps a private key, and proves every few minutes that it has it. Throws
 * a `SessionError` `invalid-option`.
 */
export function deviceBound(options: DeviceBoundOptions = {}): DeviceBound {
  refuseUnknown('deviceBound', options, ['mode', 'lifetime', 'path', 'registeringOrigins'])
  const { mode = 'prefer', lifetime = 600, path, registeringOrigins } = options
  if (!modes.includes(mode)) refuseOption('deviceBound.mode', `must be ${modes.join(', ')}`)
  const least = isProduction() ? 300 : 2
  const life = readWhole('deviceBound.lifetime (seconds)', lifetime, least, 3600) * 1000
  return {
    bindTo(cookie) {
      checkCookie(cookie)
      const below = cookie.attributes.path.replace(/\/$/, '')
      const terms = {
        path: readPath(path ?? `${below}/device-bound`, below),
        lifetime: life,
        // The clock of the server that checks the cookie may be ahead of that of the server that issued it.
        cookieAge: life - Math.min(clockSkew, life / 4),
        registeringOrigins: readOrigins(registeringOrigins, cookie.attributes.domain),
      }
      return createBinding(mode, terms)
    },
  }
}

function checkCookie({ attributes }: CookieForm): void {
  if (attributes.partitioned) {
    refuseOption(
      'cookie.partitioned',
      'cannot be used with deviceBound: browsers refuse to bind it',
    )
  }
}

function readPath(path: string, below: string): string {
  if (typeof path !== 'string' || !pathGrammar.test(path)) {
    refuseOption('deviceBound.path', 'must begin with / and not end with it, such as /device-bound')
  }
  if (path.startsWith(`${below}/`)) return path
  return refuseOption('deviceBound.path', `must be below cookie.path: try ${below}/device-bound`)
}

/** Browsers silently refuse a registration for a whole domain from an origin that is not listed. */
function readOrigins(
  origins: readonly string[] | undefined,
  domain: string | undefined,
): readonly string[] | null {
  const name = 'deviceBound.registeringOrigins'
  if (domain === undefined) {
    return origins === undefined
      ? null
      : refuseOption(name, 'has a meaning with cookie.domain alone')
  }
  const isRight =
    Array.isArray(origins) &&
    origins.length > 0 &&
    // Array.from, because every() skips holes.
    Array.from(origins).every((each) => isOriginOf(each, domain))
  if (isRight) return [...origins]
  const site = `https://${domain.toLowerCase()}`
  const example = `['${site}', '${site.replace('//', '//www.')}']`
  return refuseOption(
    name,
    `must list the origins where visitors sign in, such as ${example}: cookie.domain is set. Browsers compare them letter by letter: lower case, no slash at the end, no wildcards`,
  )
}

/** A host as browsers write it in an origin. `URL` accepts more, such as `*`. */
const hostGrammar = /^[\w-]+(\.[\w-]+)*$/

function isOriginOf(origin: unknown, domain: string): boolean {
  if (typeof origin !== 'string' || !URL.canParse(origin)) return false
  const { protocol, hostname, origin: normal } = new URL(origin)
  const isWithin = hostGrammar.test(hostname) && `.${hostname}`.endsWith(`.${domain.toLowerCase()}`)
  return protocol === 'https:' && normal === origin && isWithin
}

function createBinding(mode: DeviceMode, terms: Terms): DeviceBinding {
  return {
    mode,
    lifetime: terms.lifetime,
    offer: (now, random) => ({
      id: encodeBase64url(randomBytes(random, 12)),
      secret: randomBytes(random, 16),
      offeredAt: now,
      key: null,
      proofs: 0,
    }),
    async registration(device) {
      const challenge = await createChallenge(device, 'registration', device.offeredAt)
      return `(ES256 RS256);path="${terms.path}/register";challenge="${challenge}"`
    },
    standing: standingOf,
    skipped: skippedBy,
    boundCookies: (cookies, form) =>
      allForms(form)
        .map(boundForm)
        .filter(({ name }) => readCookies(cookies, name).length > 0),
    answer: (request, access) => answerDevice(request, terms, access),
  }
}

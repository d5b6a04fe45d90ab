import { sameBytes } from '../crypto/same-bytes.ts'
import type { Device, DeviceKey } from '../store/device-key.ts'
import { deleteCookie, writeCookie } from '../http/cookie.ts'
import type { CookieForm } from '../http/cookie.ts'
import type { DeviceRefusal } from '../rules/device-mode.ts'
import type { DeviceAccess, Fits, OpenDevice } from './device-binding.ts'
import { checkChallenge, createBoundValue, createChallenge } from './derive.ts'
import type { ChallengeUse } from './derive.ts'
import { checkSignature, readKey, readProof, unquote } from './proof.ts'
import type { Proof } from './proof.ts'
import { boundForm, boundName } from './bound-cookie.ts'
import { endTie, refuse, respond } from './refuse.ts'
import type { Report } from './refuse.ts'

/** The checked options; times in milliseconds. */
export interface Terms {
  readonly path: string
  /** How long a proof is valid. */
  readonly lifetime: number
  /** How long the browser keeps the bound cookie: slightly shorter, so that it never sends one that has expired. */
  readonly cookieAge: number
  /** The origins that may bind sessions of a whole domain; `null`: the session cookie has no domain. */
  readonly registeringOrigins: readonly string[] | null
}

/** Where a browser looks up which origins may bind sessions of the whole site, if a subdomain does. */
const wellKnown = '/.well-known/device-bound-sessions'

/** How long after the sign-in a browser can register, in milliseconds. */
export const offerLife = 300_000

/** One request to an endpoint. */
interface Asked {
  readonly use: ChallengeUse
  readonly request: Request
  readonly terms: Terms
  readonly access: DeviceAccess
  readonly opened: OpenDevice
  readonly form: CookieForm
  readonly device: Device
}

/**
 * Registers the key of a browser that has just signed in, and refreshes bound cookies. `null` for any other request.
 */
export function answerDevice(
  request: Request,
  terms: Terms,
  access: DeviceAccess,
): Promise<Response> | null {
  const path = pathIn(request.url)
  if (path === `${terms.path}/register`) return answer(request, 'registration', terms, access)
  if (path === `${terms.path}/refresh`) return answer(request, 'refresh', terms, access)
  return path === wellKnown ? tellOrigins(request, terms) : null
}

/** Frameworks that require a trailing slash redirect to it. */
function pathIn(url: string): string {
  return new URL(url).pathname.replace(/\/$/, '')
}

/** Browsers request it without cookies. */
function tellOrigins({ method }: Request, terms: Terms): Promise<Response> | null {
  const { registeringOrigins } = terms
  if (method !== 'GET' || registeringOrigins === null) return null
  return Promise.resolve(Response.json({ registering_origins: registeringOrigins }))
}

async function answer(
  request: Request,
  use: ChallengeUse,
  terms: Terms,
  access: DeviceAccess,
): Promise<Response> {
  const report = { access, use, idPrefix: null }
  if (request.method !== 'POST') return refuse(report, 'method', 405, { Allow: 'POST' })
  // Only browsers can send this header, so that a page's request learns nothing.
  const name = request.headers.get('Sec-Secure-Session-Id')
  if (use === 'refresh' && name === null) return refuse(report, 'no-session-id', 403)
  const opened = await access.open(use === 'refresh' ? isNamed(name) : isOffered(request, access))
  const { form, device, state, idPrefix } = opened
  // Any 4xx here except a challenge ends the binding in the browser, although the session may be alive.
  if (form === null || !form.attributes.secure) return refuse(report, 'insecure', 503, retryAfter)
  if (state !== 'live' && state !== 'nothing') {
    return refuse({ access, use, idPrefix }, 'unavailable', 503, retryAfter)
  }
  const asked = { use, request, terms, access, opened, form }
  if (use === 'registration') {
    if (device === undefined) return refuse({ access, use, idPrefix }, 'not-offered', 403)
    return register({ ...asked, device })
  }
  if (device === undefined || device.key === null || !isNamed(name)(device)) {
    return endTie({ access, use, idPrefix }, state === 'live' ? 'other-device' : 'no-session')
  }
  return refresh({ ...asked, device })
}

/** Matches the session that a refresh names. `name`: the header's value. */
function isNamed(name: string | null): (device: Device) => boolean {
  return ({ id }) => name !== null && unquote(name) === id
}

/** Matches the session that a registration is for. */
function isOffered({ headers }: Request, { now }: DeviceAccess): Fits {
  const proof = readProof(headers.get('Secure-Session-Response') ?? '')
  return async (device) =>
    typeof proof !== 'string' && (await checkOffer(device, proof, now())) === null
}

function checkOffer(
  device: Device,
  { challenge }: Proof,
  now: number,
): ReturnType<typeof checkChallenge> {
  return checkChallenge(device, 'registration', challenge, { now, life: offerLife })
}

const retryAfter = { 'Retry-After': '1' }

/**
 * Stores the key. It counts only after its first proof, which shows that the browser got this response. Deletes a bound
 * cookie of the previous session: otherwise the browser would not miss one, and give no proof until that one expires.
 */
async function register(asked: Asked): Promise<Response> {
  const { device, opened, access } = asked
  if (device.proofs > 0) return refuseAsked(asked, 'already-registered', 403)
  const proof = await readAsked(asked)
  if (typeof proof === 'string') return refuseAsked(asked, proof, 403)
  const fault = await checkOffer(device, proof, access.now())
  if (fault !== null) return refuseAsked(asked, fault, 403)
  const key = await readKey(proof)
  if (key === 'key') return refuseAsked(asked, key, 403)
  const unsigned = await checkSignature(proof, key)
  if (unsigned !== null) return refuseAsked(asked, unsigned, 403)
  // The response to the first registration may have been lost.
  if (device.key !== null && isSameKey(device.key, key)) return instructAnew(asked, device)
  if (device.key !== null) return refuseAsked(asked, 'already-registered', 403)
  const registered = { ...device, key }
  const stored = await opened.replace(registered)
  if (stored === 'changed') return answerAgain(asked)
  if (stored === 'gone') return refuseAsked(asked, 'no-session', 403)
  if (stored === 'unavailable') return refuseAsked(asked, stored, 503, retryAfter)
  return instructAnew(asked, registered)
}

function isSameKey(one: DeviceKey, other: DeviceKey): boolean {
  return one.algorithm === other.algorithm && sameBytes(one.spki, other.spki)
}

function instructAnew(asked: Asked, device: Device): Promise<Response> {
  return instruct(asked, device, { 'Set-Cookie': deleteCookie(boundForm(asked.form)).header })
}

/** Issues a bound cookie for a proof. Answers an outdated challenge with a new one. */
async function refresh(asked: Asked): Promise<Response> {
  const { device, opened, access, terms, form } = asked
  const proof = await readAsked(asked)
  if (proof === 'no-proof') return challengeAgain(asked, proof)
  if (typeof proof === 'string') return refuseAsked(asked, proof, 400)
  const unsigned = await checkSignature(proof, device.key as NonNullable<Device['key']>)
  if (unsigned !== null) return refuseAsked(asked, unsigned, 400)
  const fault = await checkChallenge(device, 'refresh', proof.challenge, {
    now: access.now(),
    life: terms.lifetime + offerLife,
  })
  if (fault !== null) return challengeAgain(asked, fault)
  const proven = { ...device, proofs: device.proofs + 1 }
  const stored = await opened.replace(proven)
  if (stored === 'changed') return answerAgain(asked)
  if (stored === 'gone') return endTie(reportOf(asked), 'no-session')
  if (stored === 'unavailable') return refuseAsked(asked, stored, 503, retryAfter)
  if (device.proofs === 0) {
    access.onEvent({ type: 'device.bound', idPrefix: opened.idPrefix as string })
  }
  const value = await createBoundValue(proven, access.now() + terms.lifetime)
  return instruct(asked, proven, { 'Set-Cookie': boundCookie(form, value, terms) })
}

/**
 * Another request used the challenge first, or signed in. Evaluates the request again; the challenge is no longer valid
 * then.
 */
function answerAgain({ request, use, terms, access }: Asked): Promise<Response> {
  return answer(request, use, terms, access)
}

async function readAsked({ request, use, terms }: Asked): Promise<Proof | DeviceRefusal> {
  const header = request.headers.get('Secure-Session-Response')
  if (header === null) return 'no-proof'
  const proof = readProof(header)
  if (typeof proof === 'string') return proof
  const path = pathOf(terms, use)
  return proof.audiences.every((each) => isAudience(each, path)) ? proof : 'audience'
}

/**
 * The current specification has no audience: the challenge replaces it, since it derives from a secret of this session.
 * An audience that is present must match this endpoint's path; a server behind a proxy does not know its own origin.
 */
function isAudience(audience: string, path: string): boolean {
  return URL.canParse(audience) && pathIn(audience) === path
}

function pathOf({ path }: Terms, use: ChallengeUse): string {
  return `${path}/${use === 'registration' ? 'register' : 'refresh'}`
}

function boundCookie(form: CookieForm, value: string, { cookieAge }: Terms): string {
  return writeCookie(boundForm(form), value, Math.floor(cookieAge / 1000)).header
}

/** Session instructions, with the next challenge, so that the browser need not request one. */
async function instruct(
  { terms, form, access }: Asked,
  device: Device,
  headers: Record<string, string>,
): Promise<Response> {
  const challenge = await createChallenge(device, 'refresh', access.now())
  const instructions = instructionsOf(terms, form, device)
  return respond(200, JSON.stringify(instructions), {
    ...headers,
    'Content-Type': 'application/json',
    'Secure-Session-Challenge': challengeField(device, challenge),
  })
}

function instructionsOf(terms: Terms, form: CookieForm, device: Device): object {
  const { domain, sameSite } = form.attributes
  return {
    session_identifier: device.id,
    refresh_url: pathOf(terms, 'refresh'),
    scope:
      domain === undefined
        ? { include_site: false }
        : { origin: `https://${domain}`, include_site: true },
    credentials: [
      // The suffix begins with `; `.
      { type: 'cookie', name: boundName(form), attributes: form.suffix.slice(2) },
    ],
    // Cross-site requests may trigger a refresh only if it carries the session cookie; without the cookie, the browser
    // would be told that the session has ended. Otherwise use `reloadForProof`.
    ...(sameSite === 'none' ? { allowed_refresh_initiators: ['*'] } : {}),
  }
}

async function challengeAgain(asked: Asked, reason: DeviceRefusal): Promise<Response> {
  const { device, access } = asked
  const challenge = await createChallenge(device, 'refresh', access.now())
  return refuseAsked(asked, reason, 403, {
    'Secure-Session-Challenge': challengeField(device, challenge),
  })
}

function challengeField({ id }: Device, challenge: string): string {
  return `"${challenge}";id="${id}"`
}

function reportOf({ access, use, opened: { idPrefix } }: Asked): Report {
  return { access, use, idPrefix }
}

function refuseAsked(
  asked: Asked,
  reason: DeviceRefusal,
  status: number,
  headers: Record<string, string> = {},
): Response {
  return refuse(reportOf(asked), reason, status, headers)
}

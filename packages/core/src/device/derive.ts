import { isPromise } from '../crypto/is-promise.ts'
import type { Eventually } from '../crypto/primitives.ts'
import { macOf } from '../crypto/mac.ts'
import { isSameText } from '../crypto/same-text.ts'
import type { DeviceRefusal } from '../rules/device-mode.ts'
import type { Device } from '../store/device-key.ts'

/** The use of a challenge: one for a registration is not valid for a refresh. */
export type ChallengeUse = 'registration' | 'refresh'

export type ChallengeRefusal = Extract<DeviceRefusal, `challenge-${string}`>

/** The clock skew allowed between two servers, in milliseconds. */
export const clockSkew = 60_000

/** A number of milliseconds or proofs, in base 36 without leading zeros. */
const number = '(0|[1-9a-z][0-9a-z]{0,10})'
const challengeGrammar = new RegExp(`^${number}\\.${number}\\.([A-Za-z0-9_-]{43})$`)
const cookieGrammar = new RegExp(`^${number}\\.([A-Za-z0-9_-]{43})$`)

/**
 * A challenge contains its creation time, the number of proofs so far, and a MAC of both. So creating one stores
 * nothing, a client that only requests challenges cannot invalidate those of the browser, and the next proof
 * invalidates all.
 */
export async function createChallenge(
  device: Device,
  use: ChallengeUse,
  now: number,
): Promise<string> {
  const said = `${now.toString(36)}.${device.proofs.toString(36)}`
  return `${said}.${await sign(device, use, said)}`
}

/** `null` if the challenge belongs to this device, has not expired, and is unused. `life`: in milliseconds. */
export async function checkChallenge(
  device: Device,
  use: ChallengeUse,
  challenge: string,
  { now, life }: { readonly now: number; readonly life: number },
): Promise<ChallengeRefusal | null> {
  const [, madeAt, proofs, mac] = challengeGrammar.exec(challenge) ?? []
  if (madeAt === undefined || proofs === undefined || mac === undefined) return 'challenge-foreign'
  const isOurs = isSameText(mac, await sign(device, use, `${madeAt}.${proofs}`))
  if (!isOurs) return 'challenge-foreign'
  if (parseInt(proofs, 36) !== device.proofs) return 'challenge-used'
  const age = now - parseInt(madeAt, 36)
  if (age < -clockSkew) return 'challenge-early'
  return age > life ? 'challenge-expired' : null
}

/** The value of a bound cookie: its expiry, and a MAC of that. */
export async function createBoundValue(device: Device, until: number): Promise<string> {
  const said = until.toString(36)
  return `${said}.${await sign(device, 'cookie', said)}`
}

/** Whether a bound cookie belongs to this device and has not expired. */
export function isBoundValue(device: Device, value: string, now: number): Eventually<boolean> {
  const [, until, mac] = cookieGrammar.exec(value) ?? []
  if (until === undefined || mac === undefined || parseInt(until, 36) <= now) return false
  const right = sign(device, 'cookie', until)
  return isPromise(right) ? right.then((known) => isSameText(mac, known)) : isSameText(mac, right)
}

function sign({ id, secret }: Device, use: string, said: string): Eventually<string> {
  return macOf(secret, `device ${use}`, id, said)
}

/**
 * What a session that is bound to a device gets without a fresh proof of it.
 * - `observe`: everything; the event `device.stale` tells of it
 * - `prefer`: everything but what asks for a proof, by `session.requireBound()` or `session.device`
 * - `require`: nothing; the session is `unproven`, and lives on
 */
export type DeviceMode = 'observe' | 'prefer' | 'require'

/**
 * - `bound`: the session is bound to a device, and the request carries a fresh proof of it
 * - `stale`: it is bound, and the request carries none: it may come from another device
 * - `pending`: the browser was asked a moment ago, or has given its key and not yet come back with a proof
 * - `unbound`: the browser cannot, or was not asked
 */
export type DeviceStanding = 'bound' | 'stale' | 'pending' | 'unbound'

/** Why a registration or a refresh was refused. */
export type DeviceRefusal =
  // What was sent is no proof.
  | 'no-proof'
  | 'too-long'
  | 'malformed'
  | 'type'
  | 'algorithm'
  | 'key'
  | 'signature'
  | 'audience'
  // Its challenge does not fit. The answer to a refresh has one that does.
  | 'challenge-foreign'
  | 'challenge-used'
  | 'challenge-expired'
  | 'challenge-early'
  // The session does not fit.
  | 'no-session'
  | 'not-offered'
  | 'already-registered'
  | 'other-device'
  | 'unavailable'
  // The request does not.
  | 'insecure'
  | 'method'
  | 'no-session-id'

/** Whether the session is kept from a request with this standing. A browser that cannot be bound never is. */
export function isUnproven(mode: DeviceMode, standing: DeviceStanding): boolean {
  return mode === 'require' && standing === 'stale'
}

/**
 * What a request without a fresh proof can do with a session that is bound to a device.
 * - `observe`: everything; the event `device.stale` is emitted
 * - `prefer`: everything except what the app protects with `session.requireBound()` or `session.device`
 * - `require`: nothing; the session is `unproven` for this request, and stays alive
 */
export type DeviceMode = 'observe' | 'prefer' | 'require'

/**
 * - `bound`: the session is bound to a device, and the request has a fresh proof of it
 * - `stale`: the session is bound, and the request has no fresh proof: it may come from another device
 * - `pending`: the browser was asked recently, or has sent its key but no proof yet
 * - `unbound`: the browser cannot bind sessions, or was not asked
 */
export type DeviceStanding = 'bound' | 'stale' | 'pending' | 'unbound'

/** Why a registration or a refresh was refused. */
export type DeviceRefusal =
  // The browser did not send a valid proof.
  | 'no-proof'
  | 'too-long'
  | 'malformed'
  | 'type'
  | 'algorithm'
  | 'key'
  | 'signature'
  | 'audience'
  // The challenge of the proof is wrong. The response to a refresh has a new one.
  | 'challenge-foreign'
  | 'challenge-used'
  | 'challenge-expired'
  | 'challenge-early'
  // The session is not one that can be bound or refreshed.
  | 'no-session'
  | 'not-offered'
  | 'already-registered'
  | 'other-device'
  | 'unavailable'
  // The request is wrong.
  | 'insecure'
  | 'method'
  | 'no-session-id'

/** Whether a request with this standing gets no session. False for browsers that cannot bind sessions. */
export function isUnproven(mode: DeviceMode, standing: DeviceStanding): boolean {
  return mode === 'require' && standing === 'stale'
}

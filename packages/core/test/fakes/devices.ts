import type { Device } from '../../src/store/device-key.ts'
import { start } from './context.ts'

/** What a sign-in has offered, and no browser has answered. */
export const offered: Device = {
  id: 'device',
  secret: new Uint8Array(16).fill(5),
  offeredAt: start,
  key: null,
  proofs: 0,
}

/** A browser has registered its key, of the length of one of P-256. */
export const registered: Device = {
  ...offered,
  key: { algorithm: 'ES256', spki: new Uint8Array(91).fill(6) },
}

/** The key has given its first proof. */
export const proven: Device = { ...registered, proofs: 1 }

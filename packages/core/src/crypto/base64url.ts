import { crypto } from '#crypto'
import type { Crypto } from './primitives.ts'

/** Encodes bytes as base64url without padding (RFC 4648 section 5). */
export const encodeBase64url: Crypto['base64url'] = crypto.base64url

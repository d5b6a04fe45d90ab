import { isPromise } from './is-promise.ts'
import { crypto } from '#crypto'
import { encodeBase64url } from './base64url.ts'
import type { Eventually } from './primitives.ts'
import { encodeText } from './encode-text.ts'

/** The HMAC-SHA-256 of a purpose and of parts that contain no NUL, as 43 base64url characters. */
export function macOf(
  key: Uint8Array,
  purpose: string,
  ...parts: readonly string[]
): Eventually<string> {
  const mac = crypto.hmac(new Uint8Array(key), encodeText(purpose, ...parts))
  return isPromise(mac) ? mac.then(encodeBase64url) : encodeBase64url(mac)
}

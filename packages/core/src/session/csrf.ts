import { crypto } from '#crypto'
import { encodeBase64url } from '../crypto/base64url.ts'
import { encodeText } from '../crypto/encode-text.ts'
import { isSameText } from '../crypto/same-text.ts'

/** The CSRF token that derives from a session's root. */
export async function csrfTokenOf(root: Uint8Array): Promise<string> {
  return encodeBase64url(await crypto.hmac(new Uint8Array(root), encodeText('csrf')))
}

/** Whether `token` derives from the root. Takes the same time for any text of the same length. */
export async function isCsrfTokenOf(root: Uint8Array, token: unknown): Promise<boolean> {
  return typeof token === 'string' && isSameText(token, await csrfTokenOf(root))
}

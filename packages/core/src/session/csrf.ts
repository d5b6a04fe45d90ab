import { crypto } from '#crypto'
import { encodeBase64url } from '../crypto/base64url.ts'
import { encodeText } from '../crypto/encode-text.ts'

/** The request forgery token that derives from a session's root. */
export async function csrfTokenOf(root: Uint8Array): Promise<string> {
  return encodeBase64url(await crypto.hmac(new Uint8Array(root), encodeText('csrf')))
}

import { crypto } from '#crypto'
import { encodeBase64url } from '../crypto/base64url.ts'
import { encodeText } from '../crypto/encode-text.ts'

/** The request forgery token that derives from a session's root. */
export async function csrfTokenOf(root: Uint8Array): Promise<string> {
  return encodeBase64url(await crypto.hmac(new Uint8Array(root), encodeText('csrf')))
}

/** Takes as long for a wrong guess whose beginning is right as for any other. */
export function isSameText(left: string, right: string): boolean {
  let difference = left.length ^ right.length
  for (let at = 0; at < right.length; at++) difference |= left.charCodeAt(at) ^ right.charCodeAt(at)
  return difference === 0
}

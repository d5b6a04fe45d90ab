/** Parts of sentences that errors, explanations and printed events share. */
export const isSealedElsewhere = 'is sealed with a secret that is not in `secrets`'
export const isDamaged = 'it was changed, or is of another version of Coatcheck'
export const isNewer = 'was saved by a newer version of the app'
export const trustProxyRemedy =
  'behind a proxy that ends TLS and sets X-Forwarded-Proto, set cookie.trustProxy'

/** Why a session is not there although its visitor may have one, for errors. */
export const outages = {
  unavailable: 'The session store did not answer',
  'unknown-secret': `The visitor's session ${isSealedElsewhere}`,
  'newer-version': `The visitor's session ${isNewer}`,
}

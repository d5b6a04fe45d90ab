/** Parts of sentences shared by errors, explanations and printed events. */
export const isSealedElsewhere = 'is sealed with a secret that is not in `secrets`'
export const isDamaged = 'it was changed, or is of another version of Coatcheck'
export const isNewer = 'was saved by a newer version of the app'
export const trustProxyRemedy =
  'behind a proxy that ends TLS and sets X-Forwarded-Proto, set cookie.trustProxy'

/** Error texts: why no session was loaded, although the visitor may have one. */
export const outages = {
  unavailable: 'The session store did not answer',
  'unknown-secret': `The visitor's session ${isSealedElsewhere}`,
  'newer-version': `The visitor's session ${isNewer}`,
}

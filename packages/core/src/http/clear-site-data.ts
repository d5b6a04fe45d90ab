/**
 * A value of the header `Clear-Site-Data` (https://www.w3.org/TR/clear-site-data/). `cookies` deletes the cookies of
 * the whole registrable domain, `storage` everything that scripts store. Browsers obey it only over https.
 */
export type ClearSiteData = 'cache' | 'cookies' | 'storage' | 'executionContexts' | '*'

const known: readonly string[] = ['cache', 'cookies', 'storage', 'executionContexts', '*']

/** The value of the header; `null` for an empty list. */
export function clearSiteDataHeader(types: readonly ClearSiteData[]): string | null {
  if (!Array.isArray(types) || !types.every((type) => known.includes(type))) {
    throw new TypeError(`session.destroy: clearSiteData must be a list of ${known.join(', ')}`)
  }
  return types.length === 0 ? null : types.map((type) => `"${type}"`).join(', ')
}

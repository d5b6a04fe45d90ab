/** Both cryptographies, as the packed core has them; the stage resolves the names. */
declare module 'cryptography/node' {
  import type { Cryptography } from '../case.ts'

  export const crypto: Cryptography
}
declare module 'cryptography/web' {
  import type { Cryptography } from '../case.ts'

  export const crypto: Cryptography
}
declare module 'cloudflare:workers' {
  export function waitUntil(work: Promise<unknown>): void
}

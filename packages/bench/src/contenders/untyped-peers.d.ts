/** Peers that come without types: no more of them than what is used. */
declare module 'connect-memjs' {
  import type { Store } from 'express-session'

  interface MemjsStore extends Store {
    readonly client: { close(): void }
  }
  export default function connectMemjs(
    session: unknown,
  ): new (options: { readonly servers: readonly string[] }) => MemjsStore
}

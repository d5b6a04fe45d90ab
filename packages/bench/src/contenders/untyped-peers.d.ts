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

declare module 'connect-memcached' {
  import type { Store } from 'express-session'

  interface MemcachedStore extends Store {
    readonly client: { end(): void }
  }
  export default function connectMemcached(
    session: unknown,
  ): new (options: { readonly hosts: readonly string[] }) => MemcachedStore
}

/** Declares the used parts of peers that have no types. */
declare module 'connect-memjs' {
  import type { Store } from 'express-session'

  interface MemjsStore extends Store {
    readonly client: { close(): void }
  }
  /** `timeout`: seconds. */
  interface Options {
    readonly servers: readonly string[]
    readonly timeout?: number
  }
  export default function connectMemjs(session: unknown): new (options: Options) => MemjsStore
}

declare module 'connect-memcached' {
  import type { Store } from 'express-session'

  interface MemcachedStore extends Store {
    readonly client: { end(): void }
  }
  /** `timeout`: milliseconds. */
  interface Options {
    readonly hosts: readonly string[]
    readonly timeout?: number
  }
  export default function connectMemcached(
    session: unknown,
  ): new (options: Options) => MemcachedStore
}

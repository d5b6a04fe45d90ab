import type * as core from '@coatcheck/core'
import type * as memory from '@coatcheck/core/memory'
import type * as memcached from '@coatcheck/memcached'

type Bytes = Uint8Array<ArrayBuffer>

/** One of the two cryptographies of the core, as its package has them. */
export interface Cryptography {
  readonly digest: (text: string) => string | Promise<string>
  readonly sha256: (bytes: Bytes) => Bytes | Promise<Bytes>
  readonly hmac: (key: Bytes, bytes: Bytes) => Bytes | Promise<Bytes>
  readonly deriveKey: (material: Bytes, salt: Bytes, info: Bytes) => object | Promise<object>
  readonly seal: (key: object, nonce: Bytes, plain: Bytes, extra: Bytes, whole: Bytes) => unknown
  readonly open: (key: object, nonce: Bytes, sealed: Bytes, extra: Bytes) => unknown
}

/** What a runtime gives the cases: the packages as they were packed, and a memcached where there is TCP. */
export interface World {
  readonly core: typeof core
  readonly memory: typeof memory
  /** `null`: the runtime has no TCP. */
  readonly tcp: { readonly memcached: typeof memcached; readonly server: string } | null
  readonly cryptographies: Readonly<Record<string, Cryptography>>
}

export type Feature =
  | 'tokens'
  | 'sealing'
  | 'cookies'
  | 'values'
  | 'merge'
  | 'expiry'
  | 'outcomes'
  | 'failures'
  | 'headers'
  | 'lazy'
  | 'memory store'
  | 'memcached, binary'
  | 'memcached, meta'
  | 'memcached, auto'

/** Plain JavaScript, so that every runtime can run it. A case fails by throwing. */
export interface Case {
  readonly feature: Feature
  readonly name: string
  /** May return text, which must be the same on every runtime. */
  readonly run: (world: World) => Promise<string | void>
}

/** How one case ended. */
export interface Ended {
  readonly feature: Feature
  readonly name: string
  /** `null`: it has passed. */
  readonly error: string | null
  readonly said: string | null
}

export async function runCase({ feature, name, run }: Case, world: World): Promise<Ended> {
  try {
    const said = await run(world)
    return { feature, name, error: null, said: said ?? null }
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { feature, name, error: text, said: null }
  }
}

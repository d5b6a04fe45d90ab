import type { Cas } from '../../memcached/src/protocol/client.ts'
import { isClaim, readFrame } from '../../memcached/src/cluster/moving-frame.ts'
import type { Stage } from '../../memcached/src/cluster/moving-frame.ts'

/** A memcached with one record: its version grows with every change, and it has no expiry. */
export class OneRecordServer {
  #hit: { readonly value: Uint8Array; readonly cas: number } | null = null
  #lastCas = 0

  get hasRecord(): boolean {
    return this.#hit !== null && !isClaim(this.#hit)
  }

  get(_key: string): { value: Uint8Array; cas: Cas } | null {
    return this.#hit && { value: this.#hit.value, cas: Uint8Array.of(this.#hit.cas) }
  }

  add(_key: string, value: Uint8Array): boolean {
    if (this.#hit !== null) return false
    this.#hit = { value, cas: ++this.#lastCas }
    return true
  }

  replace(_key: string, value: Uint8Array, cas: Cas): 'saved' | 'conflict' | 'missing' {
    if (this.#hit === null) return 'missing'
    if (this.#hit.cas !== cas[0]) return 'conflict'
    this.#hit = { value, cas: ++this.#lastCas }
    return 'saved'
  }

  delete(_key: string, cas?: Cas): 'deleted' | 'conflict' | 'missing' {
    if (this.#hit === null) return 'missing'
    if (cas !== undefined && this.#hit.cas !== cas[0]) return 'conflict'
    this.#hit = null
    return 'deleted'
  }

  /** Removes the record if it is in this stage (`null`: none), as if it had expired. */
  expire(stage: Stage | null): void {
    const framed = this.#hit && readFrame(this.#hit.value)
    if ((framed?.stage ?? null) === stage) this.#hit = null
  }

  wipe(): void {
    this.#hit = null
  }
}

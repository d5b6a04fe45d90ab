import type { Cas } from '../../memcached/src/protocol/client.ts'
import { readFrame } from '../../memcached/src/cluster/moving-frame.ts'

/** A memcached: a version that grows with every change, and no expiry. */
export class OneRecordServer {
  #hit: { readonly value: Uint8Array; readonly cas: number } | null = null
  #lastCas = 0

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

  /** As if the process that made it had paused for longer than it is kept. */
  expireClaim(): void {
    if (this.#hit !== null && readFrame(this.#hit.value)?.stage === 'claimed') this.#hit = null
  }

  wipe(): void {
    this.#hit = null
  }
}

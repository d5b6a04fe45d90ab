import type { Command } from './codec.ts'

/** One command that waits for its answer. */
export interface Pending<reply> {
  readonly command: Command<reply, unknown>
  readonly opaque: number
  /** Bytes it has, or had, in the outbox. */
  readonly length: number
  /** On the clock of `performance.now()`. */
  readonly deadline: number
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
  next: Pending<reply> | undefined
}

/**
 * The commands of a connection, in the order in which they were handed in; memcached answers in the
 * same order. A linked list: taking the first of an array is slow once it is long (defect 19).
 */
export class Queue<reply> {
  #head: Pending<reply> | undefined
  #tail: Pending<reply> | undefined
  #size = 0
  #unsent = 0

  get head(): Pending<reply> | undefined {
    return this.#head
  }

  /** The one whose answer is next; none, while no command has left. */
  get asked(): Pending<reply> | undefined {
    return this.#size > this.#unsent ? this.#head : undefined
  }

  get size(): number {
    return this.#size
  }

  /** Appends one that is not sent yet. */
  push(pending: Pending<reply>): void {
    if (this.#tail === undefined) this.#head = pending
    else this.#tail.next = pending
    this.#tail = pending
    this.#size++
    this.#unsent++
  }

  /** All of them are being sent. */
  sent(): void {
    this.#unsent = 0
  }

  /** Removes the head. */
  shift(): void {
    const settled = this.#head!
    this.#head = settled.next
    // Once a settled one is in the old generation, it would keep the whole chain behind it alive.
    settled.next = undefined
    if (this.#head === undefined) this.#tail = undefined
    this.#size--
    if (this.#unsent > this.#size) this.#unsent = this.#size
  }

  /**
   * Empties it, and rejects everything: with `sent` what may have left, with `unsent` the others.
   */
  fail(sent: unknown, unsent: unknown): void {
    let waiting = this.#size
    for (let pending = this.#head; pending !== undefined; pending = pending.next) {
      pending.reject(waiting-- > this.#unsent ? sent : unsent)
    }
    this.#head = this.#tail = undefined
    this.#size = this.#unsent = 0
  }
}

import type { Command } from './command.ts'

/** A command that waits for its answer. */
export interface Pending<reply> {
  readonly command: Command<reply, unknown>
  readonly opaque: number
  /** The length of its bytes in the outbox. */
  readonly length: number
  /** On the `loopTime` clock. */
  deadline: number
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
  next: Pending<reply> | undefined
}

/**
 * The commands of a connection, in the order of submission, which is the order of the answers. A
 * linked list, because removing the first element of a long array is slow (defect 19).
 */
export class Queue<reply> {
  #head: Pending<reply> | undefined
  #tail: Pending<reply> | undefined
  #size = 0
  #unsent = 0

  get head(): Pending<reply> | undefined {
    return this.#head
  }

  /** The command whose answer comes next; `undefined` while no command has been sent. */
  get awaited(): Pending<reply> | undefined {
    return this.#size > this.#unsent ? this.#head : undefined
  }

  get size(): number {
    return this.#size
  }

  /** Appends a command that is not sent yet. */
  push(pending: Pending<reply>): void {
    if (this.#tail === undefined) this.#head = pending
    else this.#tail.next = pending
    this.#tail = pending
    this.#size++
    this.#unsent++
  }

  /** Marks all commands as sent. */
  sent(): void {
    this.#unsent = 0
  }

  /** Removes the head. */
  shift(): void {
    const settled = this.#head!
    this.#head = settled.next
    // A settled entry in the old generation would keep all entries linked after it alive.
    settled.next = undefined
    if (this.#head === undefined) this.#tail = undefined
    this.#size--
    if (this.#unsent > this.#size) this.#unsent = this.#size
  }

  /**
   * Empties the queue and rejects every command: with `sent` if it may have been sent, otherwise
   * `unsent`.
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

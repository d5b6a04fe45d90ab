import type { StoreError } from '@coatcheck/core/remote'

/** One answer, as a view of the connection's bytes. */
export interface Reply {
  /** Where it ends and the next answer begins. */
  readonly end: number
  /** The number of the command it answers; `undefined` for errors that do not carry one. */
  readonly opaque: number | undefined
}

/** One command, in one protocol. */
export interface Command<reply, result> {
  /** The most bytes that `write` may use. */
  readonly size: number
  /** How many of the written bytes, at the end, are a separate command to memcached. */
  readonly tail: number
  /** Writes the command at `start` and returns where it ends. */
  write(out: Buffer, start: number, opaque: number): number
  /**
   * The result, from the answer. The bytes of the reply are reused: copy what must last. A thrown
   * `StoreError` fails this command. If its code is `protocol` or `auth`, or if it is any other
   * error, the connection ends as well.
   */
  read(reply: reply): result
}

/** Where commands are sent. */
export interface Line<reply> {
  submit<result>(command: Command<reply, result>): Promise<result>
  close(): void
}

/** How a protocol separates answers. */
export interface Codec<reply extends Reply> {
  /**
   * The answer that begins at `start`; `undefined` while it is incomplete. `command` is the command
   * that waits for it, if there is one. `answered`: whether this connection has delivered a valid
   * answer before. If the bytes are not an answer, it throws the `StoreError` that ends the
   * connection.
   */
  parse(
    bytes: Buffer,
    start: number,
    command: Command<reply, unknown> | undefined,
    answered: boolean,
  ): reply | undefined
  /** The reason to report if the server closes the connection after an incomplete answer. */
  errorAtEnd(rest: Buffer, answered: boolean): StoreError | undefined
}

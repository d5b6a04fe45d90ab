import type { StoreError } from '../errors.ts'

/** One answer, as its codec found it in the bytes. */
export interface Reply {
  /** Where it ends, and the next begins. */
  readonly end: number
  /** The number we gave the command; `undefined` where the protocol's errors do not carry it. */
  readonly opaque: number | undefined
}

/** One command of a protocol. */
export interface Command<reply, result> {
  /** How many bytes `write` may need. */
  readonly size: number
  /** Bytes at its end, once written, that memcached reads as a command of their own. */
  readonly tail: number
  /** Writes the command at `start` and says where it ends. */
  write(out: Buffer, start: number, opaque: number): number
  /**
   * What the answer says. The reply is a view of the connection's bytes: copy what is to last.
   * A `StoreError` fails this command; code `protocol` or `auth`, or any other error, ends the
   * connection.
   */
  read(reply: reply): result
}

/** A protocol: how answers are told from one another. */
export interface Codec<reply extends Reply> {
  /**
   * The answer that begins at `start`; `undefined` while it is incomplete. `command` is the one
   * that waits for it, if any does. `answered`: whether this connection has brought an answer
   * before. Throws the `StoreError` that the connection ends with when this is no answer.
   */
  parse(
    bytes: Buffer,
    start: number,
    command: Command<reply, unknown> | undefined,
    answered: boolean,
  ): reply | undefined
  /** What the rest of an answer means when the node hangs up behind it; `undefined`: nothing. */
  judge(rest: Buffer, answered: boolean): StoreError | undefined
}

/**
 * Returns the indexes of the two servers that rank highest for a key. `second` is -1 if there is
 * only one server.
 */
export type Ranking = (key: string) => readonly [first: number, second: number]

/** The properties of a server that hashing uses. */
export interface HashedServer {
  /** Only the name matters, not the position in the list. */
  readonly name: string
  /** A server of weight 2 gets twice as many keys as one of weight 1. */
  readonly weight: number
}

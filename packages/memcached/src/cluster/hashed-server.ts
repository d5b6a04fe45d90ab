/**
 * The two servers that rank highest for a key, by index. `second` is -1 if there is only one
 * server.
 */
export type Ranking = (key: string) => readonly [first: number, second: number]

/** What hashing knows of a server. */
export interface HashedServer {
  /** Only the name decides; the position in the list does not. */
  readonly name: string
  /** A server of weight 2 gets twice as many keys as one of weight 1. */
  readonly weight: number
}

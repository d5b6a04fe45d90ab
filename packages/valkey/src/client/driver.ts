/** One argument of a command. */
export type Argument = string | Buffer

/** What a server answers: bulk strings and statuses are bytes. */
export type Reply = Buffer | number | null | readonly Reply[]

/** A primary, as `host:port`. A store on one server, or behind sentinels, has one. */
export type Node = string

/** Where a server of a cluster sends a command. */
export interface Redirect {
  readonly node: Node
  /** The key's slot is only on its way there: the primary answers behind ASKING alone. */
  readonly isAsking: boolean
}

/**
 * The connections to a set of servers, over the client of another library. It sends no command twice, and none after the
 * time of its caller: what is not connected is waited for before anything is sent.
 */
export interface Driver {
  /** The primary that has the key, as far as it is known. */
  readonly nodeOf: (key: string) => Node
  /** Resolves when a command for the key can be sent; rejects if it cannot connect. `null`: at once. */
  readonly ready: (key: string) => Promise<void> | null
  /** Sends a command to the primary of the key, wherever the key has moved to. */
  readonly send: (args: readonly Argument[]) => Promise<Reply>
  /** Sends a command to this primary and to no other, on the connection that all commands to it share. */
  readonly sendTo: (node: Node, args: readonly Argument[]) => Promise<Reply>
  /** The same to where a server has sent the command: the primary there may be new. */
  readonly sendAlong: (redirect: Redirect, args: readonly Argument[]) => Promise<Reply>
  /** Ends the connection to a primary that does not answer; the next command connects again. */
  readonly giveUp: (node: Node) => void
  /** Learns again which primary has which keys. */
  readonly refresh: () => Promise<void>
  /** All primaries that are known now. */
  readonly primaries: () => readonly Node[]
  /** Whether the primary of a key has replicas. `null`: only the server itself knows. */
  readonly hasReplicas: (key: string) => boolean | null
  readonly close: () => void
}

/** One argument of a command. */
export type Argument = string | Buffer

/** A server's reply. Bulk strings and statuses are bytes. */
export type Reply = Buffer | number | null | readonly Reply[]

/** A primary, as `host:port`. A store with one server or with sentinels has only one. */
export type Node = string

/** Where a cluster server redirects a command. */
export interface Redirect {
  readonly node: Node
  /** The key's slot is still moving there, so that server accepts the command only after ASKING. */
  readonly isAsking: boolean
}

/**
 * The connections to a set of servers, over another library's client. It never sends a command twice, and sends nothing
 * before it is connected, nor after the caller's deadline.
 */
export interface Driver {
  /** The primary that has the key, as far as known. */
  readonly nodeOf: (key: string) => Node
  /** Resolves when a command for the key can be sent; rejects if connecting fails. `null`: ready now. */
  readonly ready: (key: string) => Promise<void> | null
  /** Sends a command to the key's primary, following the key if it has moved. */
  readonly send: (args: readonly Argument[]) => Promise<Reply>
  /** Sends a command only to this primary, on the connection that all its commands share. */
  readonly sendTo: (node: Node, args: readonly Argument[]) => Promise<Reply>
  /** The same for a redirection's target, which may be a new primary. */
  readonly sendAlong: (redirect: Redirect, args: readonly Argument[]) => Promise<Reply>
  /** Closes the connection to a primary that does not answer; the next command reconnects. */
  readonly giveUp: (node: Node) => void
  /** Reloads which primary has which keys. */
  readonly refresh: () => Promise<void>
  /** All primaries known now. */
  readonly primaries: () => readonly Node[]
  /** Whether the key's primary has replicas. `null`: only the server itself knows. */
  readonly hasReplicas: (key: string) => boolean | null
  readonly close: () => void
}

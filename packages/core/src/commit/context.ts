import type { LoadContext } from '../load/load.ts'
import type { Settings } from '../settings/read-options.ts'
import type { SubjectsContext } from '../subjects/operations.ts'
import type { Write, Written } from './edit.ts'
import type { Queue } from '../batch-queue.ts'

/** Everything that a request stands on. One for each `createSessions`. */
export interface CommitContext extends Settings, LoadContext, SubjectsContext {
  /** Commits to one session inside this process, one after the other. */
  readonly queue: Pick<Queue<Write, Written>, 'add'>
  /** How many sessions this process has loaded: tells which of several loads was the last. */
  readonly loads: { count: number }
  /** Makes the context of one request, with connections and work of its own. `null`: requests share this one. */
  readonly begin: (() => CommitContext) | null
  /** Closes the connections that this request has to itself. They are opened again if they are needed. */
  readonly release: () => void
}

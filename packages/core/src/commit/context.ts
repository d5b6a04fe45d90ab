import type { LoadContext } from '../load/load.ts'
import type { Settings } from '../settings/read-options.ts'
import type { SubjectsContext } from '../subjects/operations.ts'
import type { Write, Written } from './edit.ts'
import type { Queue } from '../batch-queue.ts'

/** Everything that a request depends on. One for each `createSessions`. */
export interface CommitContext extends Settings, LoadContext, SubjectsContext {
  /** Runs the commits of one session in this process one after another. */
  readonly queue: Pick<Queue<Write, Written>, 'add'>
  /** The number of sessions that this process has loaded; orders loads by time. */
  readonly loads: { count: number }
  /** Creates the context of one request, with its own connections and queues. `null`: requests share this context. */
  readonly begin: (() => CommitContext) | null
  /** Closes this request's own connections. They are reopened if needed. */
  readonly release: () => void
}

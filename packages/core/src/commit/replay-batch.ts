import type { LoadedSession } from '../load/follow-forwards.ts'
import type { Outcome } from '../rules/next-step.ts'
import type { SessionRecord } from '../store/record.ts'
import type { CommitContext } from './context.ts'
import { replayOnto } from './accept-by-schema.ts'
import { NotWritable } from './edit.ts'
import type { Write, Written } from './edit.ts'
import type { Settled } from '../batch-queue.ts'

/** The record of the latest load among the writes. */
export function freshest(writes: readonly Write[]): LoadedSession {
  return writes.reduce((left, right) => (right.order > left.order ? right : left)).loaded
}

/**
 * One record with all edits applied. An edit that cannot be replayed, for example because it is too large, fails alone.
 */
export interface Replayed {
  readonly record: SessionRecord
  /** For each write: `null`, or why it could not be replayed. */
  readonly errors: readonly ({ readonly error: unknown } | null)[]
}

/** Replays the edits in order. A single edit onto the record it was planned on is used as planned. */
export function replayAll(
  context: CommitContext,
  loaded: LoadedSession,
  writes: readonly Write[],
): Replayed | Promise<Replayed> {
  const [{ edit, loaded: own }] = writes as readonly [Write, ...Write[]]
  if (writes.length === 1 && own === loaded) return { record: edit.record, errors: [null] }
  return replayEach(context, loaded, writes)
}

async function replayEach(
  context: CommitContext,
  loaded: LoadedSession,
  writes: readonly Write[],
): Promise<Replayed> {
  let { record } = loaded
  const errors: ({ readonly error: unknown } | null)[] = []
  for (const { edit, loaded: own } of writes) {
    try {
      const isOwn = own === loaded && record === loaded.record
      record = isOwn ? edit.record : await replayOnto(context, record, edit)
      errors.push(null)
    } catch (error) {
      errors.push({ error })
    }
  }
  return { record, errors }
}

/** The results of all writes. */
export function settleAll(
  writes: readonly Write[],
  errors: Replayed['errors'],
  end: (write: Write) => Written,
): readonly Settled<Written>[] {
  return writes.map((write, at) => settleOne(write, errors[at] ?? null, end(write)))
}

/**
 * The result of one write: that of the batch, or its own error. A write that the handler did not ask for does not fail.
 */
export function settleOne(
  write: Write,
  error: Replayed['errors'][number],
  end: Written,
): Settled<Written> {
  if (error === null) return { result: unlessUnasked(write, end) }
  if (write.edit.isAsked || !(error.error instanceof NotWritable)) return error
  return { result: { outcome: 'unchanged', tries: end.tries, keepsCookie: true } }
}

const unseen: readonly Outcome[] = ['saved', 'gone', 'moved', 'conflict']

function unlessUnasked({ edit }: Write, written: Written): Written {
  if (edit.isAsked || !unseen.includes(written.outcome)) return written
  const unchanged = { ...written, outcome: 'unchanged' } as const
  return written.outcome === 'saved' ? unchanged : { ...unchanged, keepsCookie: true }
}

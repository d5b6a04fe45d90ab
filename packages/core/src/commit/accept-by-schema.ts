import { isPromise } from '../crypto/is-promise.ts'
import { checkBlocks, settled } from '../data/schema.ts'
import type { RefuseData } from '../data/schema.ts'
import { noKeys } from '../data/take.ts'
import { SessionError } from '../errors.ts'
import { diff, isEmpty } from '../rules/diff-and-merge.ts'
import type { Changes } from '../rules/diff-and-merge.ts'
import { maxSchemaAsks } from '../rules/retry-limits.ts'
import type { SessionRecord } from '../store/record.ts'
import { emptyBase } from '../load/shape-record.ts'
import type { CommitContext } from './context.ts'
import { beginRecord, replay } from './edit.ts'
import type { Edit } from './edit.ts'
import { planCommit } from './plan.ts'
import type { OpenSession, Plan } from './plan.ts'

/**
 * Plans the commit and has the schema accept the data it writes. Synchronous if the schema is. Throws `invalid-value`,
 * or what `planCommit` throws; then nothing was sent and the session is still open for changes. `close`, which refuses
 * later changes, is called in the same turn in which the plan became final.
 */
export function planAccepted(
  context: CommitContext,
  open: OpenSession,
  close: () => void,
): Plan | Promise<Plan> {
  const plan = planCommit(context, open)
  const accepted = accept(context, plan)
  if (isPromise(accepted)) return untilStable(context, open, plan, accepted, close)
  close()
  return accepted
}

/** Plans again, and asks the schema again, if the handler changed the data while an asynchronous schema was running. */
async function untilStable(
  context: CommitContext,
  open: OpenSession,
  first: Plan,
  answer: Promise<Plan>,
  close: () => void,
): Promise<Plan> {
  let plan = first
  let accepted: Plan | Promise<Plan> = answer
  for (let tries = 1; ; tries++) {
    const { asked } = open.control
    const done = await accepted
    const now = planCommit(context, open)
    if (asked === open.control.asked && writesSame(plan, now)) {
      close()
      return done
    }
    if (tries === maxSchemaAsks) throw new SessionError('invalid-value', neverStable)
    plan = now
    accepted = accept(context, plan)
  }
}

const neverStable = 'session.data kept changing as the schema ran. Nothing was saved'

function writesSame(left: Plan, right: Plan): boolean {
  if (left.step !== right.step) return false
  if (!hasEdit(left) || !hasEdit(right)) return true
  return isEmpty(diff(left.edit.record.blocks, right.edit.record.blocks))
}

function hasEdit(plan: Plan): plan is Extract<Plan, { readonly edit: Edit }> {
  return 'edit' in plan
}

function accept(context: CommitContext, plan: Plan): Plan | Promise<Plan> {
  if (!hasEdit(plan)) return plan
  const { edit } = plan
  const record = checkRecord(context, edit.record, edit.changes, refuseOwn)
  if (record === edit.record) return plan
  return settled(record, (accepted) => ({ ...plan, edit: { ...edit, record: accepted } }))
}

/** Returns the record if the schema accepts its changes. The schema is not called without changes. */
function checkRecord(
  { schema }: CommitContext,
  record: SessionRecord,
  changes: Changes,
  refuse: RefuseData,
): SessionRecord | Promise<SessionRecord> {
  if (schema === null || isEmpty(changes)) return record
  const dropped = checkBlocks(schema, record, changes, refuse)
  return settled(dropped, (kept) => ({ ...record, dropped: kept }))
}

/**
 * Replays an edit onto a record that it was not made on. Throws what `replay` throws, and `merge-failed` if the schema
 * refuses.
 */
export function replayOnto(
  context: CommitContext,
  record: SessionRecord,
  edit: Edit,
): SessionRecord | Promise<SessionRecord> {
  return checkRecord(context, replay(record, edit, context), edit.changes, refuseMerged)
}

/** A new session with an edit's changes, and no other data of the session that the edit was made on. */
export async function replayOntoNone(
  context: CommitContext,
  edit: Edit,
  createdAt: number,
): Promise<SessionRecord> {
  const { root, version } = edit
  const begun = beginRecord(context, createdAt, root, await emptyBase(context))
  const blank = { ...begun, version }
  return replayOnto(context, blank, { ...edit, taken: noKeys })
}

function refuseOwn(names: string): SessionError {
  return new SessionError(
    'invalid-value',
    `The schema refuses or drops ${names}: give it a value that the schema keeps. Nothing was saved`,
  )
}

function refuseMerged(names: string): SessionError {
  return new SessionError(
    'merge-failed',
    `The schema refuses or drops ${names}, as changed by this request and another. Nothing was saved`,
  )
}

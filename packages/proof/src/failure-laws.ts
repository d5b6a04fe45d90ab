import type { Asked } from '@coatcheck/core'
import { fail } from './outcome-laws.ts'
import type { RequestPlan } from './plan.ts'
import { subject } from './plan.ts'
import type { Timelines } from './timeline.ts'
import type { RequestLog } from './run.ts'

/**
 * The outcomes that mean success. The outcome laws check what each leaves in the store. `gone`: another request ended
 * the session first, so there is nothing left to change or end. For a sign-in it is a failure.
 */
const done: Readonly<Record<Asked, readonly string[]>> = {
  'sign-in': ['created', 'renewed'],
  renewal: ['created', 'renewed'],
  'sign-out': ['destroyed', 'gone'],
  change: ['created', 'saved', 'rotated', 'gone'],
}

function askedBy({ direct, intent }: RequestPlan): Asked {
  if (direct === 'destroy' || intent === 'destroy') return 'sign-out'
  if (intent === 'renew') return 'renewal'
  return intent === 'login' ? 'sign-in' : 'change'
}

/** Whether there was nothing to do, so that the outcome may be `unchanged`. */
function isIdle({ plan, state, token }: RequestLog): boolean {
  if (plan.direct === 'destroy') return token === null
  if (plan.intent === 'destroy') return state === 'new'
  if (plan.intent === 'renew') return state === 'new' && !plan.writes
  return plan.intent === 'keep' && !plan.writes
}

function wasDone(request: RequestLog): boolean {
  const { outcome, plan } = request
  if (outcome === 'discarded') return plan.direct === null && plan.intent === 'discard'
  if (outcome === 'unchanged') return isIdle(request)
  return done[askedBy(plan)].includes(outcome)
}

/** `failure` is null exactly if the request was done, and otherwise names what was asked for. */
export function checkFailure({ versions }: Timelines, request: RequestLog): void {
  const { committed, plan, outcome, newId } = request
  if (committed === null) return
  const { failure } = committed
  if (wasDone(request) !== (failure === null)) {
    fail(request, failure === null ? 'reports no failure' : 'reports a failure of what was done')
  }
  if (failure !== null && (failure.outcome !== outcome || failure.asked !== askedBy(plan))) {
    fail(request, `reports the failure ${failure.asked} (${failure.outcome})`)
  }
  if (failure !== null || plan.direct !== null || plan.intent !== 'login') return
  const first = newId === null ? undefined : versions.get(newId)?.[0]
  const expected = plan.hasSubject ? subject : null
  if (first?.subject !== expected) fail(request, 'signed in another subject, or none')
}

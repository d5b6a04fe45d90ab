import type { CommitContext } from './context.ts'
import { create } from './create.ts'
import { destroy } from './destroy.ts'
import type { Write, Written } from './edit.ts'
import type { Plan } from './plan.ts'
import type { Settled } from '../batch-queue.ts'
import { moveAll } from './move.ts'
import { saveAll } from './save.ts'

/** Executes the plan. */
export function carryOut(context: CommitContext, plan: Plan): Written | Promise<Written> {
  switch (plan.step) {
    case 'nothing':
      return { outcome: plan.outcome, tries: 0 }
    case 'destroy': {
      const { address, loaded, owner, mark } = plan.found
      // The cookie was not read.
      if (address === null) return { outcome: 'unconfirmed', tries: 0 }
      return destroy(context, address, loaded, owner, mark)
    }
    case 'create':
      return create(context, plan.edit)
    case 'save':
    case 'renew':
    case 'sign-in':
    case 'rotate':
      return context.queue.add(plan.loaded.address.id, plan, (writes) => write(context, writes))
  }
}

/** The length of the next batch: any number of saves and rotations, and at most one renewal or sign-in. */
export function batchLength(writes: readonly Write[]): number {
  const first = writes.findIndex(isRenewal)
  const second = writes.findIndex((each, at) => at > first && isRenewal(each))
  return first < 0 || second < 0 ? writes.length : second
}

function isRenewal({ step }: Write): boolean {
  return step === 'renew' || step === 'sign-in'
}

/** Writes one batch of the queue. */
function write(
  context: CommitContext,
  writes: readonly Write[],
): Promise<readonly Settled<Written>[]> {
  const mover = writes.find(isRenewal) ?? writes.find(({ step }) => step === 'rotate')
  return mover === undefined ? saveAll(context, writes) : moveAll(context, writes, mover)
}

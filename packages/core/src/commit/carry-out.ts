import type { CommitContext } from './context.ts'
import { create } from './create.ts'
import { destroy } from './destroy.ts'
import type { Write, Written } from './edit.ts'
import type { Plan } from './plan.ts'
import type { Settled } from './queue.ts'
import { renew } from './renew.ts'
import { rotate } from './rotate.ts'
import { saveAll } from './save.ts'

/** Writes what was planned. */
export async function carryOut(context: CommitContext, plan: Plan): Promise<Written> {
  switch (plan.step) {
    case 'nothing':
      return { outcome: plan.outcome, tries: 0 }
    case 'destroy':
      return plan.address === null
        ? { outcome: 'unconfirmed', tries: 0 }
        : destroy(context, plan.address, plan.loaded)
    case 'create':
      return create(context, plan.edit)
    case 'save':
    case 'renew':
    case 'rotate':
      return context.queue.add(plan.loaded.address.id, plan, (writes) => write(context, writes))
  }
}

/** Whether a write changes the token, and so cannot share a batch with others. */
export function movesToken({ step }: Write): boolean {
  return step !== 'save'
}

/** One batch of the queue: any number of saves, or one renewal or rotation. */
async function write(
  context: CommitContext,
  writes: readonly Write[],
): Promise<readonly Settled<Written>[]> {
  const [first] = writes as [Write]
  if (first.step === 'save') return saveAll(context, writes)
  const move = first.step === 'renew' ? renew : rotate
  return [{ result: await move(context, first) }]
}

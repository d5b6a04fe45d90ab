import { SessionError } from '../errors.ts'
import type { LoadedSession } from '../load/follow-forwards.ts'
import { noteSeen } from '../subjects/operations.ts'
import { carryOut } from './carry-out.ts'
import type { CommitContext } from './context.ts'
import { DeviceChanged, NotWritable, replay } from './edit.ts'
import type { DeviceChange, Edit } from './edit.ts'
import type { Outcome } from '../rules/next-step.ts'

const noChanges: Edit['changes'] = { set: new Map(), deleted: new Set() }
const noKeys: Edit['taken'] = new Set()

/**
 * Saves a change of the session's device, merged with other requests' saves. `changed`: the device is no longer as it
 * was read, and nothing was written. The first proof, and a use if due, is also recorded in the subject's list.
 */
export async function replaceDevice(
  context: CommitContext,
  loaded: LoadedSession,
  order: number,
  change: DeviceChange,
  isSeenDue = false,
): Promise<Outcome | 'changed'> {
  const { record } = loaded
  const edit = {
    base: record.blocks,
    changes: noChanges,
    taken: noKeys,
    usesToken: null,
    version: record.version,
    device: change,
    signIn: null,
  }
  try {
    const { outcome } = await carryOut(context, {
      step: 'save',
      edit: {
        ...edit,
        record: replay(record, edit, context),
        isRenewed: false,
        restart: false,
        root: record.root,
        isAsked: true,
      },
      loaded,
      order,
    })
    const isFirst = change.from.proofs === 0 && change.to.proofs === 1
    if (outcome === 'saved' && (isFirst || isSeenDue)) {
      await noteSeen(context, { ...record, device: change.to })
    }
    return outcome
  } catch (error) {
    if (error instanceof DeviceChanged) return 'changed'
    // Another request has saved data of another version.
    if (error instanceof NotWritable) return error.outcome
    // There is no room for the key: the session continues without it.
    if (error instanceof SessionError && error.code === 'too-large') return 'unavailable'
    throw error
  }
}

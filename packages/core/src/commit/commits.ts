import { create } from './create.ts'
import { destroy } from './destroy.ts'
import { renew } from './renew.ts'
import { rotate } from './rotate.ts'
import { save } from './save.ts'
import type { CommitContext, Done, Edit, End, LiveEdit, Turn } from './commit.ts'
import type { LoadedSession } from '../load/load.ts'
import type { Identity } from '../crypto/token.ts'
import { createTurns } from './queue.ts'

export interface Commits {
  readonly create: (edit: Edit) => Promise<Done>
  readonly save: (edit: LiveEdit) => Promise<Done>
  readonly renew: (edit: LiveEdit) => Promise<Done>
  readonly rotate: (edit: LiveEdit) => Promise<Done>
  /** `loaded`: the session, if it was loaded. */
  readonly destroy: (identity: Identity, loaded: LoadedSession | null) => Promise<Done>
}

/**
 * The ways to write. Commits to one session inside one process take turns, and those that wait are
 * merged into one write; processes meet in the store, by compare-and-swap.
 */
export function createCommits(context: CommitContext): Commits {
  const alone = { renew, rotate }
  const take = createTurns<Turn, End>(
    ({ kind }) => kind !== 'save',
    async (_id, turns) => {
      const [first] = turns as [Turn]
      const { kind } = first
      return kind === 'save'
        ? save(context, turns)
        : [await endOf(() => alone[kind](context, first))]
    },
  )
  const takeTurn = async (turn: Turn): Promise<Done> => {
    const end = await take(turn.loaded.identity.id, turn)
    if ('error' in end) throw end.error
    return end
  }
  return {
    create: (edit) => create(context, edit),
    save: (edit) => takeTurn({ ...edit, kind: 'save' }),
    renew: (edit) => takeTurn({ ...edit, kind: 'renew' }),
    rotate: (edit) => takeTurn({ ...edit, kind: 'rotate' }),
    destroy: (identity, loaded) => destroy(context, identity, loaded),
  }
}

async function endOf(work: () => Promise<Done>): Promise<End> {
  try {
    return await work()
  } catch (error) {
    return { error }
  }
}

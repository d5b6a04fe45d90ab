/** One operation on a moving store. Its result counts at one moment between `start` and `end`. */
export interface MovingOp {
  readonly what: 'load' | 'create' | 'save' | 'delete' | 'end'
  readonly start: number
  readonly end: number
  /** Of `save` and `delete`: the record whose version was given. */
  readonly expected: string | null
  /** Of `create` and `save`: what was written, which nothing else writes. */
  readonly value: string
  /** Of `load`: the record. `failed`: what became of it was not told, and it may come at any time. */
  readonly result: string | null
}

/** Whether one store could have answered like that. `initial`: what it had at first. */
export function isHistoryOfOneStore(ops: readonly MovingOp[], initial: string | null): boolean {
  const all = 2 ** ops.length - 1
  const seen = new Set<string>()
  const search = (done: number, state: string | null): boolean => {
    if (done === all) return true
    const key = `${done} ${String(state)}`
    if (seen.has(key)) return false
    seen.add(key)
    const open = ops.filter((_, at) => (done & (1 << at)) === 0)
    const until = Math.min(...open.map(({ end }) => end))
    // An end without a version is two deletes: it ends also what is begun between them, and what is there may not be seen.
    const isEnding = open.some(({ what, start }) => what === 'end' && start <= until)
    return ops.some((op, at) => {
      if ((done & (1 << at)) !== 0 || op.start > until) return false
      if (op.what === 'end' && state !== null && search(done, null)) return true
      if (isEnding && seesNothing(op) && search(done | (1 << at), state)) return true
      return statesAfter(op, state).some((next) => search(done | (1 << at), next))
    })
  }
  return search(0, initial)
}

function seesNothing({ what, result }: MovingOp): boolean {
  return result === 'missing' || (what === 'load' && result === null)
}

/** What one store may have after an operation with this result; nothing, if it would not have answered so. */
function statesAfter(op: MovingOp, state: string | null): readonly (string | null)[] {
  const { what, expected, value, result } = op
  const written = what === 'delete' || what === 'end' ? null : value
  switch (result) {
    case 'failed':
      return what === 'load' || !isWritable(op, state) ? [state] : [state, written]
    case 'saved':
    case 'created':
    case 'deleted':
      return isWritable(op, state) ? [written] : []
    // Of two that begin one record it may be that none does.
    case 'not created':
      return [state]
    case 'conflict':
      return state === expected ? [] : [state]
    case 'missing':
      return state === null ? [state] : []
    default:
      return result === state ? [state] : []
  }
}

function isWritable({ what, expected }: MovingOp, state: string | null): boolean {
  if (what === 'end') return true
  return what === 'create' ? state === null : state === expected
}

/** One operation on a moving store. It takes effect at one moment between `start` and `end`. */
export interface MovingOp {
  readonly what: 'load' | 'create' | 'save' | 'delete' | 'end'
  readonly start: number
  readonly end: number
  /** For `save` and `delete`: the record whose version was given. */
  readonly expected: string | null
  /** For `create` and `save`: the written value, which is unique. */
  readonly value: string
  /** For `load`: the record. `failed`: the result is unknown, and may take effect at any time. */
  readonly result: string | null
}

/** Whether a single store could have given these answers. `initial`: its record at the start. */
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
    // A delete without a version is two deletes: it also ends what is created between them, and a record may not be
    // seen.
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

/**
 * The possible records of a single store after an operation with this result; empty if it would not have answered so.
 */
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
    // When two create the same record, it may be that neither succeeds.
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

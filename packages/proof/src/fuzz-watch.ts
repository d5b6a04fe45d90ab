/** An input with an effect that no input may have. */
export interface Fault {
  readonly input: string
  readonly what: string
}

export interface Fuzzed {
  readonly inputs: number
  readonly faults: readonly Fault[]
  /** The slowest call in milliseconds; the best of three if the first was over the bound. */
  readonly slowest: number
  /** The peak memory above that at the start, in MiB. */
  readonly memory: number
  /** The number of inputs of each kind. */
  readonly kinds: Readonly<Record<string, number>>
}

/** The time limit of every call, in milliseconds of its thread's CPU time. */
export const bound = 50

/** The number of inputs between two memory checks. */
const stride = 500

/** Runs `count` inputs one after another. `call` resolves with what is wrong, or null. */
export async function fuzz<input>(options: {
  readonly count: number
  readonly next: () => { readonly kind: string; readonly input: input }
  readonly call: (input: input) => Promise<string | null>
  readonly show: (input: input) => string
}): Promise<Fuzzed> {
  const { count, next, call, show } = options
  const kinds: Record<string, number> = {}
  const faults: Fault[] = []
  const before = memoryNow()
  let slowest = 0
  let most = 0
  for (let at = 0; at < count && faults.length < 20; at++) {
    const { kind, input } = next()
    kinds[kind] = (kinds[kind] ?? 0) + 1
    const { what, time } = await timed(call, input)
    slowest = Math.max(slowest, time)
    if (what !== null) faults.push({ input: show(input), what: `${kind}: ${what}` })
    if (at % stride === 0) most = Math.max(most, memoryNow() - before)
  }
  most = Math.max(most, memoryNow() - before)
  return { inputs: count, faults, slowest, memory: most, kinds }
}

/**
 * Measures the thread's CPU time, because the machine may suspend it for any time. A slow call gets two more tries,
 * because other work may have evicted the caches.
 */
async function timed<input>(
  call: (input: input) => Promise<string | null>,
  input: input,
): Promise<{ readonly what: string | null; readonly time: number }> {
  let best = Infinity
  let what: string | null = null
  for (let go = 0; go < 3 && best > bound; go++) {
    const before = process.threadCpuUsage()
    try {
      what = await call(input)
    } catch (error) {
      what = `threw ${(error as Error).stack ?? String(error)}`
    }
    const { user, system } = process.threadCpuUsage(before)
    best = Math.min(best, (user + system) / 1000)
  }
  return { what: best > bound ? `took ${Math.round(best)} ms` : what, time: best }
}

function memoryNow(): number {
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 2 ** 20
}

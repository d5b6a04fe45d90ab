/** An input that caused what no input may cause. */
export interface Fault {
  readonly input: string
  readonly what: string
}

export interface Fuzzed {
  readonly inputs: number
  readonly faults: readonly Fault[]
  /** The slowest call, in milliseconds; of three goes, if the first was over the bound. */
  readonly slowest: number
  /** The most memory beyond that at the beginning, in MiB. */
  readonly memory: number
  /** How many inputs of each kind there were. */
  readonly kinds: Readonly<Record<string, number>>
}

/** No call takes longer, in milliseconds of its thread's own time, whatever it is given. */
export const bound = 50

/** Inputs between two looks at the memory. */
const stride = 500

/** Runs `count` inputs one after the other. `call` resolves with what is wrong, or null. */
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
 * What counts is the time that the thread had, for a machine may stop it for as long as it likes; and a slow
 * call gets two more goes, for others may have had the caches.
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

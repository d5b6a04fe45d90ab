import { fake } from './context.ts'
import type { Fake } from './context.ts'

/** A context whose waits end when a test says so. */
export function fakeWithTimers(
  lifetime: { readonly rotate?: number } = {},
  secret?: string,
): Fake & {
  readonly timers: number[]
  readonly tick: () => Promise<void>
} {
  const timers: number[] = []
  const sleepers: (() => void)[] = []
  const wait = (milliseconds: number): Promise<void> => {
    timers.push(milliseconds)
    return new Promise((resolve) => void sleepers.push(resolve))
  }
  return {
    ...fake(
      { lifetime, testing: { wait }, ...(secret === undefined ? {} : { secrets: [secret] }) },
      secret !== undefined,
    ),
    timers,
    async tick() {
      for (const wake of sleepers.splice(0)) wake()
      await new Promise((resolve) => void setImmediate(resolve))
    },
  }
}

import type { ValkeyProcess } from './process.ts'

/** The commands that the store sends. A script runs GETRANGE and one of the others. */
const sent = ['getex', 'set', 'del', 'evalsha', 'eval'] as const

/** The number of commands for records since the server started; those of a script count as one. */
export async function countCommands(valkey: ValkeyProcess): Promise<number> {
  const counts = await valkey.commands()
  const total = sent.reduce((sum, name) => sum + (counts[name] ?? 0), 0)
  return total - (counts['getrange'] ?? 0)
}

import type { ValkeyProcess } from './process.ts'

/** What the store sends. A script runs GETRANGE and one of the others. */
const sent = ['getex', 'set', 'del', 'evalsha', 'eval'] as const

/** How many commands for records a server has had since it started, those of a script as one. */
export async function countCommands(valkey: ValkeyProcess): Promise<number> {
  const counts = await valkey.commands()
  const total = sent.reduce((sum, name) => sum + (counts[name] ?? 0), 0)
  return total - (counts['getrange'] ?? 0)
}

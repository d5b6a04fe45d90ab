import { maxTries } from './two-servers-operations.ts'
import type { Done } from './two-servers-operations.ts'

/** Whether the operation should end the record. */
export function ends({ kind }: Done): boolean {
  return kind === 'destroy' || kind === 'delete'
}

/** The law that the operations broke, or null. `isSafe`: nothing ended the record, and no server lost it. */
export function lawBrokenBy(done: readonly Done[], isSafe: boolean): string | null {
  for (const each of done) {
    const { outcome, content, start } = each
    if (outcome === 'starved') return `${each.kind} ${each.id} was in conflict ${maxTries} times`
    if (outcome === 'none' && isSafe) return `${each.kind} ${each.id} found no record`
    if (content === undefined) continue
    for (const other of done) {
      if (other.end > start) continue
      if (ends(other) && other.outcome === 'ended' && endsOrigin(done, other, content.origin)) {
        return `${each.kind} ${each.id} found a record that ${other.kind} ${other.id} had ended`
      }
      if (other.kind !== 'write' || other.outcome !== 'saved') continue
      if (other.content!.origin !== content.origin) continue
      if (!content.writes.includes(other.id)) {
        return `${each.kind} ${each.id} found a record without write ${other.id}, which was saved`
      }
    }
  }
  return null
}

/** A deletion ends every record whose `add` had ended before it began. */
function endsOrigin(done: readonly Done[], deletion: Done, origin: number): boolean {
  if (deletion.kind === 'destroy') return deletion.content?.origin === origin
  if (origin === 0) return true
  const creation = done.find(({ id }) => id === origin)
  return creation !== undefined && creation.end <= deletion.start
}

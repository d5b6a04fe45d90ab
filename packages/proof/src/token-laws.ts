import { fail } from './outcome-laws.ts'
import type { Timelines } from './timeline.ts'
import type { RequestLog, Run } from './run.ts'

const issuing: readonly string[] = ['created', 'renewed']

/**
 * Only the mover's response contains the token of a sign-in or renewal, because another request may come from a thief
 * who knew the token before. Only a rotation gives its token to everyone with the old one.
 */
export function checkTokens(run: Run, timelines: Timelines): void {
  for (const request of run.requests) {
    const told = toldId(run, request)
    if (told === null || issuing.includes(request.outcome)) continue
    if (!forwardedTo(timelines, request.tokenId).includes(told))
      fail(request, 'was told a token that another request has made')
  }
}

function toldId({ tokens }: Run, { committed }: RequestLog): string | null {
  const told = committed?.cookie?.value
  for (const [id, token] of tokens) if (token === told) return id
  return null
}

/** The ids that forwards lead to, beginning with the id itself. */
function forwardedTo({ moves }: Timelines, id: string | null): readonly (string | null)[] {
  const ids = [id]
  for (const at of ids) {
    for (const { kind, from, to } of moves) {
      if (kind === 'forward' && from === at && !ids.includes(to)) ids.push(to)
    }
  }
  return ids
}

import { save } from '../../lib/change.ts'
import { signOut } from '../../lib/edits.ts'
import { getSession, handle } from '../../lib/sessions.ts'

/**
 * A route handler, and not an action: an action would keep the document, whose scripts hold what the page
 * showed. Browsers fetch a new one after this.
 */
export const POST = handle(async (_request: Request) => {
  const saved = await save(await getSession(), signOut)
  return new Response(null, { status: 303, headers: { Location: saved ? '/' : '/unavailable' } })
})

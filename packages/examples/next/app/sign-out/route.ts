import { getSession, handle } from '../../lib/sessions.ts'

/**
 * A route handler, and not an action: an action would keep the document, whose scripts hold what the page showed.
 * If the sign-out is not confirmed, `onFailure` answers.
 */
export const POST = handle(async (_request: Request) => {
  const session = await getSession()
  session.destroy()
  return new Response(null, { status: 303, headers: { Location: '/' } })
})

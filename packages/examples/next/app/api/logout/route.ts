import { show, unavailable } from '../../../lib/answers.ts'
import { save } from '../../../lib/change.ts'
import { signOut } from '../../../lib/edits.ts'
import { getSession, handle } from '../../../lib/sessions.ts'

export const POST = handle(async (_request: Request) => {
  const saved = await save(await getSession(), signOut)
  return saved ? show({ state: 'new', data: {} }) : unavailable()
})

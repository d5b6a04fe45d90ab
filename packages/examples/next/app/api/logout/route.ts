import { show, unavailable } from '../../../lib/answers.ts'
import { commit, getSession, handle } from '../../../lib/sessions.ts'

export const POST = handle(async (_request: Request) => {
  const session = await getSession()
  session.destroy()
  const { failure } = await commit()
  return failure ? unavailable() : show({ state: 'new', data: {} })
})

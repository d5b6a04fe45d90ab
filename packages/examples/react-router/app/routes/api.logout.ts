import { getSession } from '@coatcheck/remix'
import { notAllowed, show, unavailable } from '../answers.server.ts'
import { save } from '../change.server.ts'
import type { sessions } from '../sessions.server.ts'
import type { Route } from './+types/api.logout'

export const loader = () => notAllowed('POST')

export async function action({ context }: Route.ActionArgs) {
  const session = await getSession<typeof sessions>(context)
  session.destroy()
  return (await save(context, session)) ? show({ state: 'new', data: {} }) : unavailable()
}

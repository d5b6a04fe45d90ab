import { getSession } from '@coatcheck/remix'
import { show } from '../api.server.ts'
import type { sessions } from '../sessions.server.ts'
import type { Route } from './+types/api.logout'

export async function action({ context }: Route.ActionArgs) {
  const { state, destroy } = await getSession<typeof sessions>(context)
  destroy()
  return state === 'unavailable' ? show({ state, data: {} }, 503) : show({ state: 'new', data: {} })
}

import { change, readObject, refusal } from '../api.server.ts'
import type { Route } from './+types/api.login'

export async function action({ request, context, url }: Route.ActionArgs) {
  const { user } = await readObject(request)
  if (typeof user !== 'string' || user === '') throw refusal('user must be a name')
  return change(context, url, (session) => {
    session.renew()
    session.data['user'] = user
  })
}

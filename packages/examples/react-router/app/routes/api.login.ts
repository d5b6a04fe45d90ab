import { notAllowed } from '../answers.server.ts'
import { change } from '../change.server.ts'
import { readLogin } from '../edits.server.ts'
import type { Route } from './+types/api.login'

export const loader = () => notAllowed('POST')

export async function action({ request, context, url }: Route.ActionArgs) {
  return change(context, url, await readLogin(request))
}

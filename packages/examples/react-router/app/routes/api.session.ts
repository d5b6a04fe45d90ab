import { getSession } from '@coatcheck/remix'
import { notAllowed, show } from '../answers.server.ts'
import { change } from '../change.server.ts'
import { readPatch } from '../edits.server.ts'
import type { sessions } from '../sessions.server.ts'
import type { Route } from './+types/api.session'

export async function loader({ context }: Route.LoaderArgs) {
  return show(await getSession<typeof sessions>(context))
}

export async function action({ request, context, url }: Route.ActionArgs) {
  if (request.method !== 'PATCH') return notAllowed('GET, PATCH')
  return change(context, url, await readPatch(request))
}

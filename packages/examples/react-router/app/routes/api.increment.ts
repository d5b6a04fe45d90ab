import { notAllowed } from '../answers.server.ts'
import { change } from '../change.server.ts'
import { readIncrement } from '../edits.server.ts'
import type { Route } from './+types/api.increment'

export const loader = () => notAllowed('POST')

export function action({ context, url }: Route.ActionArgs) {
  return change(context, url, readIncrement(url))
}

import { getSession } from '@coatcheck/remix'
import { change, checkKey, readObject, refusal, show } from '../api.server.ts'
import type { sessions } from '../sessions.server.ts'
import type { Route } from './+types/api.session'

export async function loader({ context }: Route.LoaderArgs) {
  return show(await getSession<typeof sessions>(context))
}

export async function action({ request, context, url }: Route.ActionArgs) {
  const { set = {}, delete: deleted = [] } = await readObject(request)
  if (typeof set !== 'object' || set === null || Array.isArray(set)) {
    throw refusal('set must be an object')
  }
  if (!Array.isArray(deleted) || !deleted.every((key) => typeof key === 'string')) {
    throw refusal('delete must be a list of keys')
  }
  const entries = Object.entries(set)
  for (const key of [...entries.map(([name]) => name), ...deleted]) checkKey(key)
  return change(context, url, ({ data }) => {
    for (const [key, value] of entries) data[key] = value
    for (const key of deleted) delete data[key]
  })
}

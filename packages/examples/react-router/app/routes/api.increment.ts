import { change, checkKey, refusal } from '../api.server.ts'
import { increment } from '../visitor.ts'
import type { Route } from './+types/api.increment'

export async function action({ context, url }: Route.ActionArgs) {
  const key = url.searchParams.get('key')
  if (key === null) throw refusal('key is missing')
  checkKey(key)
  return change(context, url, ({ data }) => {
    if (!increment(data, key)) throw refusal('The key holds something else than a number')
  })
}

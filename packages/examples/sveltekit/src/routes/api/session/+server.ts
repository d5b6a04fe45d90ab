import { getSession } from '@coatcheck/sveltekit'
import { change, checkKey, readObject, show } from '#lib/server/api.ts'
import { Refusal } from '#lib/server/refusal.ts'
import type { RequestHandler } from './$types'

export const GET: RequestHandler = async (event) => show(await getSession(event))

export const PATCH: RequestHandler = change(async ({ request }) => {
  const { set = {}, delete: deleted = [] } = await readObject(request)
  if (typeof set !== 'object' || set === null || Array.isArray(set)) {
    throw new Refusal('set must be an object')
  }
  if (!Array.isArray(deleted) || !deleted.every((key) => typeof key === 'string')) {
    throw new Refusal('delete must be a list of keys')
  }
  const entries = Object.entries(set)
  for (const key of [...entries.map(([name]) => name), ...deleted]) checkKey(key)
  return ({ data }) => {
    for (const [key, value] of entries) data[key] = value
    for (const key of deleted) delete data[key]
  }
})

import { change, checkKey } from '#lib/server/api.ts'
import { Refusal } from '#lib/server/refusal.ts'
import { increment } from '#lib/server/visitor.ts'
import type { RequestHandler } from './$types'

export const POST: RequestHandler = change(({ url }) => {
  const key = url.searchParams.get('key')
  if (key === null) throw new Refusal('key is missing')
  checkKey(key)
  return ({ data }) => {
    if (!increment(data, key)) throw new Refusal('The value of the key is not a number')
  }
})

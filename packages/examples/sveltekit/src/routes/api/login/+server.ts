import { change, readObject } from '#lib/server/api.ts'
import { Refusal } from '#lib/server/refusal.ts'
import type { RequestHandler } from './$types'

// The API shows `renew`, which a logout overtakes. A login calls `signIn`, as the page's form does.
export const POST: RequestHandler = change(async ({ request }) => {
  const { user } = await readObject(request)
  if (typeof user !== 'string' || user === '') throw new Refusal('user must be a name')
  return (session) => {
    session.renew()
    session.data['user'] = user
  }
})

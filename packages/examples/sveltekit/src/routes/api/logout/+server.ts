import { getSession } from '@coatcheck/sveltekit'
import { show, unavailable } from '#lib/server/api.ts'
import { save } from '#lib/server/save.ts'
import type { RequestHandler } from './$types'

export const POST: RequestHandler = async (event) => {
  const session = await getSession(event)
  session.destroy()
  return (await save(event)) === 'failed' ? unavailable() : show({ state: 'new', data: {} })
}

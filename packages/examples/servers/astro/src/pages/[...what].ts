import type { RequestSession } from '@coatcheck/core'
import type { APIRoute } from 'astro'
import { pieces } from '../../../src/pieces.ts'

export const GET: APIRoute = async ({ locals, url }) => {
  if (url.pathname === '/public') return new Response('The same for every visitor')
  const { visitor } = locals as unknown as { visitor: RequestSession<{ visits?: number }> }
  const { data } = await visitor.get()
  data.visits = (data.visits ?? 0) + 1
  if (url.pathname === '/throw-response') throw new Response('Sign in first', { status: 401 })
  if (url.pathname === '/throw-error') throw new Error('A bug')
  return new Response(url.pathname === '/stream' ? pieces() : `${data.visits} visits`)
}

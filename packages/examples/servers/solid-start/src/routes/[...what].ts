import type { RequestSession } from '@coatcheck/core'
import type { APIEvent } from '@solidjs/start/server'
import { pieces } from '../../../src/pieces.ts'

export async function GET({ request, nativeEvent }: APIEvent): Promise<Response> {
  const { pathname } = new URL(request.url)
  if (pathname === '/public') return new Response('The same for every visitor')
  const { visitor } = nativeEvent.context as { visitor: RequestSession<{ visits?: number }> }
  const { data } = await visitor.get()
  data.visits = (data.visits ?? 0) + 1
  if (pathname === '/throw-response') throw new Response('Sign in first', { status: 401 })
  if (pathname === '/throw-error') throw new Error('A bug')
  return new Response(pathname === '/stream' ? pieces() : `${data.visits} visits`)
}

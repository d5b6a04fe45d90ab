import { createFileRoute } from '@tanstack/react-router'
import { pieces } from '../../../src/pieces.ts'

export const Route = createFileRoute('/$')({
  server: {
    handlers: {
      GET: async ({ context, request }) => {
        const { pathname } = new URL(request.url)
        if (pathname === '/public') return new Response('The same for every visitor')
        const { data } = await context.visitor.get()
        data.visits = (data.visits ?? 0) + 1
        if (pathname === '/throw-response') throw new Response('Sign in first', { status: 401 })
        if (pathname === '/throw-error') throw new Error('A bug')
        return new Response(pathname === '/stream' ? pieces() : `${data.visits} visits`)
      },
    },
  },
})

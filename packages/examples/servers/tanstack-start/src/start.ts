import { createMiddleware, createStart } from '@tanstack/react-start'
import { sessions } from '../../src/sessions.ts'

const session = createMiddleware({ type: 'request' }).server(async ({ request, next }) => {
  let result: Awaited<ReturnType<typeof next>> | undefined
  const serve = sessions.fetch(async (_request, visitor) => {
    result = await next({ context: { visitor } })
    return result.response
  })
  const response = await serve(request)
  return result ? { ...result, response } : response
})

export const startInstance = createStart(() => ({ requestMiddleware: [session] }))

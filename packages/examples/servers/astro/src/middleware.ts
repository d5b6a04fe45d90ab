import type { MiddlewareHandler } from 'astro'
import { sessions } from '../../src/sessions.ts'

export const onRequest: MiddlewareHandler = (context, next) => {
  if (context.isPrerendered) return next()
  const serve = sessions.fetch(async (_request, session) => {
    Object.assign(context.locals, { visitor: session })
    return next()
  })
  return serve(context.request)
}

import { createMiddleware } from '@solidjs/start/middleware'
import { toResponse } from 'h3'
import { sessions } from '../../src/sessions.ts'

const middleware = createMiddleware([
  (event, next) => {
    const serve = sessions.fetch(async (_request, visitor) => {
      Object.assign(event.context, { visitor })
      return toResponse(await next(), event)
    })
    return serve(event.req)
  },
])

export default middleware

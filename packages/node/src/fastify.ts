import type { FastifyPluginCallback } from 'fastify'
import { isResponse } from '@coatcheck/core'
import type { BindingSessions } from './device-binding.ts'
import { answerBinding } from './device-binding.ts'
import type { AnySessions, NodeOptions, NodeSession } from './node-session.ts'
import { attach, hang, isServerError } from './node-session.ts'

export type { BindingSessions } from './device-binding.ts'
export type { AnySessions, NodeOptions, RequestSessionOf } from './node-session.ts'

/**
 * A plugin of Fastify 5 that gives every request a session: `await request.session.get()`. What changed is saved before
 * the headers leave. An error drops the changes, and so does a response with a 5xx status.
 */
export function sessionPlugin(
  sessions: AnySessions,
  options: NodeOptions = {},
): FastifyPluginCallback {
  const plugin: FastifyPluginCallback = (fastify, _options, done) => {
    fastify.decorateRequest('session')
    fastify.addHook('onRequest', (request, reply, next) => {
      const { raw } = request
      const all = { isError: isServerError, ...options }
      hang(attach(sessions, raw, reply.raw, all), request)
      next()
    })
    fastify.addHook('onError', (request, _reply, error, next) => {
      const { session } = request as { session?: NodeSession }
      if (!isResponse(error)) session?.discard()
      next()
    })
    done()
  }
  return forAllRoutes(plugin)
}

/**
 * A plugin of Fastify 5 that answers a browser which binds a session to its device (`deviceBound`). Register it before
 * whatever checks the origin of requests or tokens of forms.
 */
export function deviceBindingPlugin(sessions: BindingSessions): FastifyPluginCallback {
  return forAllRoutes((fastify, _options, done) => {
    fastify.addHook('onRequest', async (request, reply) => {
      const answer = await answerBinding(sessions, request.raw)
      if (answer !== null) return reply.send(answer)
      return undefined
    })
    done()
  })
}

/** For the routes outside of the plugin too, as fastify-plugin does it. */
function forAllRoutes(plugin: FastifyPluginCallback): FastifyPluginCallback {
  return Object.assign(plugin, { [Symbol.for('skip-override')]: true })
}

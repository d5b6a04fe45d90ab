import type { FastifyPluginCallback } from 'fastify'
import { isResponse } from '@coatcheck/core'
import type { BindingSessions } from './device-binding.ts'
import { answerBinding } from './device-binding.ts'
import type { AnySessions, NodeOptions, NodeSession } from './node-session.ts'
import { attach, hang, isServerError } from './node-session.ts'

export type { BindingSessions } from './device-binding.ts'
export type { AnySessions, NodeOptions, RequestSessionOf } from './node-session.ts'

/**
 * A plugin for Fastify 5 that gives every request a session: `await request.session.get()`. Changes are saved before
 * the headers are sent. They are dropped after an error, and if the response has a 5xx status.
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
 * A plugin for Fastify 5 that answers browsers that bind a session to their device (`deviceBound`). Register it before
 * plugins that check the origin of requests or form tokens.
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

/** Applies the plugin to routes outside of it too, like fastify-plugin. */
function forAllRoutes(plugin: FastifyPluginCallback): FastifyPluginCallback {
  return Object.assign(plugin, { [Symbol.for('skip-override')]: true })
}

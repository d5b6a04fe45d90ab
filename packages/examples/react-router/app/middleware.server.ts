import { checkOrigin } from '@coatcheck/core'
import type { MiddlewareFunction } from 'react-router'
import { refusal } from './answers.server.ts'

/** The core explains each commit; where no session was asked for, there was none. */
export const explain: MiddlewareFunction<Response> = async (_args, next) => {
  const response = await next()
  if (process.env['EXPLAIN'] !== '1' || response.headers.has('Server-Timing')) return response
  const answer = new Response(response.body, response)
  answer.headers.set('Server-Timing', 'session;desc="unchanged"')
  return answer
}

/** React Router looks where a form comes from, but not for resource routes, such as our API. */
export const sameOrigin: MiddlewareFunction<Response> = ({ request }, next) =>
  checkOrigin(request) ? next() : Promise.resolve(refusal('Another site sent this request', 403))

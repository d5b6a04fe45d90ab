import { checkOrigin } from '@coatcheck/core'
import type { MiddlewareFunction } from 'react-router'
import { refusal } from './answers.server.ts'

/** The core adds Server-Timing after a commit. Without a session there is none. */
export const explain: MiddlewareFunction<Response> = async (_args, next) => {
  const response = await next()
  if (process.env['EXPLAIN'] !== '1' || response.headers.has('Server-Timing')) return response
  const answer = new Response(response.body, response)
  answer.headers.set('Server-Timing', 'session;desc="unchanged"')
  return answer
}

/** React Router checks the origin of forms, but not for resource routes, such as the API. */
export const sameOrigin: MiddlewareFunction<Response> = ({ request }, next) =>
  checkOrigin(request) ? next() : Promise.resolve(refusal('Another site sent this request', 403))

import { checkOrigin } from '@coatcheck/core'
import type { NextRequest } from 'next/server'
import { NextResponse } from 'next/server'
import { explained } from './lib/answers.ts'
import { getSession, sessions } from './lib/sessions.ts'
import { unavailablePage } from './lib/unavailable.ts'

export const proxy = sessions.proxy(async (request) => {
  if (!checkOrigin(request)) {
    return Response.json({ error: 'Another site sent this request' }, { status: 403 })
  }
  if (request.nextUrl.pathname === '/' && isRead(request)) return counter()
  return isPublic(request) ? explained(NextResponse.next()) : undefined
})

/** A page cannot answer 503 itself. It gets the session from here, and makes no trip of its own. */
async function counter(): Promise<Response | undefined> {
  const { state } = await getSession()
  return state === 'unavailable' ? unavailablePage() : undefined
}

function isRead({ method }: NextRequest): boolean {
  return method === 'GET' || method === 'HEAD'
}

function isPublic({ nextUrl }: NextRequest): boolean {
  return nextUrl.pathname === '/public'
}

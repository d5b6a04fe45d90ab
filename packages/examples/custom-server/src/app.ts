import { apiRoutes } from './api.ts'
import { assetRoutes } from './assets.ts'
import { formRoutes } from './forms.ts'
import { mayChange } from './origin.ts'
import { messagePage, pageRoutes } from './page.ts'
import { Refusal, refusalOf } from './refusal.ts'
import { route } from './routes.ts'
import type { Routes } from './routes.ts'
import { createVisitors } from './visitors.ts'
import type { VisitorOptions, Visitors } from './visitors.ts'

export type Fetch = (request: Request) => Promise<Response>

/** The whole application as a fetch handler: serve it with whatever speaks Request and Response. */
export function createApp(options: VisitorOptions): Fetch {
  const app = createAppOn(createVisitors(options))
  return async (request) => {
    const response = await app(request)
    if (options.explain) explain(response.headers)
    return response
  }
}

/** The application on what carries out its handlers. */
export function createAppOn(visitors: Pick<Visitors, 'handle'>): Fetch {
  const routes: Routes = new Map([
    ...pageRoutes(visitors),
    ...formRoutes(visitors),
    ...apiRoutes(visitors),
    ...assetRoutes(),
  ])
  return async (request) => {
    const response = await answer(routes, request)
    secure(response.headers)
    return response
  }
}

async function answer(routes: Routes, request: Request): Promise<Response> {
  try {
    if (!mayChange(request)) throw new Refusal(403, 'Another site sent this request')
    return await route(routes, request)
  } catch (error) {
    return refuse(request, refusalOf(error))
  }
}

function refuse(request: Request, refusal: Refusal): Response {
  const isApi = new URL(request.url).pathname.startsWith('/api/')
  if (!isApi) return messagePage(refusal)
  const { status, headers, message } = refusal
  return Response.json({ error: message }, { status, headers })
}

function secure(headers: Headers): void {
  headers.set('Content-Security-Policy', policy)
  headers.set('X-Content-Type-Options', 'nosniff')
  headers.set('Referrer-Policy', 'same-origin')
}

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** The core explains each commit; where no session was opened, there was none. */
export function explain(headers: Headers): void {
  if (!headers.has('Server-Timing')) headers.set('Server-Timing', 'session;desc="unchanged"')
}

import type { Html } from './html.ts'
import { html } from './html.ts'
import { htmlResponse, layout } from './layout.ts'
import { counter } from './counter.ts'
import type { Refusal } from './refusal.ts'
import { races, requestLog } from './races.ts'
import { ticket } from './ticket.ts'
import type { Handler, Routes } from './routes.ts'
import { visitorOf } from './visitors.ts'
import type { Visitors, VisitorSession } from './visitors.ts'

const ofThisVisitor = { 'Cache-Control': 'private, no-store' }

export function pageRoutes(visitors: Pick<Visitors, 'handle'>): Routes {
  const page: Handler = (request) => visitors.handle(request, sessionPage)
  return new Map([
    ['/', { GET: page }],
    ['/public', { GET: publicPage }],
  ])
}

function sessionPage(session: VisitorSession): Response {
  if (session.state === 'unavailable') return unavailablePage()
  const visitor = visitorOf(session)
  const desk = html`${ticket(visitor, session.id)}${counter(visitor, false)}`
  return htmlResponse(layout(titleOf(visitor.user), around(desk)), { headers: ofThisVisitor })
}

/** The store cannot be reached. This does not sign the visitor out: the cookie is left alone. */
export function unavailablePage(): Response {
  const anonymous = { user: null, visits: 0, cart: new Map<string, number>() }
  const notice = html`<div class="notice" role="alert" id="unavailable">
    <h1>Unavailable</h1>
    <p>
      The session store cannot be reached. You are not signed out: please try again in a moment.
      What you sent just now may not have been saved.
    </p>
    <p><a href="/">Try again</a></p>
  </div>`
  const desk = html`${notice}${counter(anonymous, true)}`
  return htmlResponse(layout('Unavailable · Coatcheck', around(desk)), {
    status: 503,
    headers: { ...ofThisVisitor, 'Retry-After': '5' },
  })
}

const lede = html`<p class="lede">
  Your cookie is only a ticket: a random token. What you hand in stays on the server. Whatever runs
  at the same time, nothing handed in is lost, and who has signed out stays signed out. Try to break
  it.
</p>`

function around(desk: Html): Html {
  return html`<div>
      ${lede}
      <div id="desk">${desk}</div>
    </div>
    ${races()}${requestLog()}`
}

function titleOf(user: string | null): string {
  return user === null ? 'Coatcheck' : `${user} · Coatcheck`
}

function publicPage(): Response {
  const content = html`<section class="card message">
    <h1>The cloakroom</h1>
    <p>
      This page is the same for every visitor. It never asks for the session, so it costs no trip to
      the store, sets no cookie, and any cache may keep it.
    </p>
    <p><a href="/">To the counter</a></p>
  </section>`
  const headers = { 'Cache-Control': 'public, max-age=60' }
  return htmlResponse(layout('The cloakroom · Coatcheck', content), { headers })
}

/** A page with the reason for a refusal. */
export function messagePage({ status, message, headers }: Refusal): Response {
  const content = html`<section class="card message">
    <h1>${message}</h1>
    <p><a href="/">To the counter</a></p>
  </section>`
  return htmlResponse(layout('Coatcheck', content), {
    status,
    headers: { ...headers, 'Cache-Control': 'no-store' },
  })
}

import { getSession } from '@coatcheck/remix'
import { data, redirect, redirectDocument } from 'react-router'
import { save } from '../change.server.ts'
import { readForm } from '../edits.server.ts'
import { Counter } from '../parts/counter.tsx'
import { Race } from '../parts/race.tsx'
import { Ticket } from '../parts/ticket.tsx'
import type { sessions } from '../sessions.server.ts'
import { ticketNumber, visitorOf } from '../visitor.ts'
import type { Route } from './+types/home'

export async function loader({ context }: Route.LoaderArgs) {
  const { data: values, id, state } = await getSession<typeof sessions>(context)
  const headers = { 'Cache-Control': 'private, no-store' }
  if (state === 'unavailable') {
    return data(null, { status: 503, headers: { ...headers, 'Retry-After': '5' } })
  }
  return data({ visitor: visitorOf(values), number: ticketNumber(id) }, { headers })
}

export const headers: Route.HeadersFunction = ({ loaderHeaders }) => loaderHeaders

export async function action({ request, context }: Route.ActionArgs) {
  const form = await request.formData()
  const session = await getSession<typeof sessions>(context)
  readForm(form)(session)
  if (!(await save(context, session))) {
    throw data('The session store cannot be reached: please try again in a moment', { status: 503 })
  }
  // A new document after a sign-out, so that the browser keeps nothing of the old one.
  return form.get('intent') === 'sign-out' ? redirectDocument('/', 303) : redirect('/', 303)
}

export default function Home({ loaderData }: Route.ComponentProps) {
  if (loaderData === null) return <Unavailable />
  const { visitor, number } = loaderData
  return (
    <>
      <title>{visitor.user === null ? 'Coatcheck' : `${visitor.user} · Coatcheck`}</title>
      <Ticket visitor={visitor} number={number} />
      <Counter user={visitor.user} />
      <Race />
    </>
  )
}

function Unavailable() {
  return (
    <section className="card" role="alert" id="unavailable">
      <title>Unavailable · Coatcheck</title>
      <h1>Unavailable</h1>
      <p>
        The session store cannot be reached. You are not signed out: please try again in a moment.
      </p>
      <p>
        <a href="/">Try again</a>
      </p>
    </section>
  )
}

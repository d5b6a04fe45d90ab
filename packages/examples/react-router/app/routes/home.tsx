import { getSession } from '@coatcheck/remix'
import { data, redirect } from 'react-router'
import { Counter } from '../parts/counter.tsx'
import { Race } from '../parts/race.tsx'
import { Ticket } from '../parts/ticket.tsx'
import type { sessions } from '../sessions.server.ts'
import { addToCart, increment, visitorOf } from '../visitor.ts'
import type { Route } from './+types/home'

export async function loader({ context }: Route.LoaderArgs) {
  const { data: values, id, state } = await getSession<typeof sessions>(context)
  const headers = { 'Cache-Control': 'private, no-store' }
  if (state === 'unavailable') {
    return data(null, { status: 503, headers: { ...headers, 'Retry-After': '5' } })
  }
  return data({ visitor: visitorOf(values), number: id && ticketNumber(id) }, { headers })
}

export const headers: Route.HeadersFunction = ({ loaderHeaders }) => loaderHeaders

export async function action({ request, context }: Route.ActionArgs) {
  const form = await request.formData()
  const session = await getSession<typeof sessions>(context)
  switch (form.get('intent')) {
    case 'sign-in': {
      const user = readField(form, 'user')
      session.renew()
      session.data['user'] = user
      break
    }
    case 'sign-out':
      session.destroy()
      break
    case 'add':
      addToCart(session.data, readField(form, 'item'))
      break
    case 'visit':
      increment(session.data, 'visits')
      break
    default:
      throw data('There is no such form', { status: 400 })
  }
  // The page says what is wrong; its loader asks the same session.
  return session.state === 'unavailable' ? null : redirect('/')
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
      <p>The session store cannot be reached. You are not signed out: please try again in a moment.</p>
      <p>
        <a href="/">Try again</a>
      </p>
    </section>
  )
}

const longestField = 60

function readField(form: FormData, name: string): string {
  const value = form.get(name)
  const text = typeof value === 'string' ? value.trim() : ''
  if (text !== '' && text.length <= longestField && text !== '__proto__') return text
  throw data(`Please fill in the field “${name}”, with at most ${longestField} characters`, {
    status: 400,
  })
}

/** From the id, so `renew` changes it. */
function ticketNumber(id: string): string {
  let number = 0
  for (const character of id) number = (number * 31 + character.charCodeAt(0)) % 10_000
  return String(number).padStart(4, '0')
}

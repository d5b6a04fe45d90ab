import type { Metadata } from 'next'
import { getSession } from '../lib/sessions.ts'
import { ticketNumber, visitorOf } from '../lib/visitor.ts'
import { Counter } from '../parts/counter.tsx'
import { Race } from '../parts/race.tsx'
import { Ticket } from '../parts/ticket.tsx'

export async function generateMetadata(): Promise<Metadata> {
  const { user } = visitorOf((await getSession()).data)
  return { title: user === null ? 'Coatcheck' : `${user} · Coatcheck` }
}

export default async function Page() {
  const { data, id } = await getSession()
  const visitor = visitorOf(data)
  return (
    <>
      <Ticket visitor={visitor} number={ticketNumber(id)} />
      <Counter user={visitor.user} />
      <Race />
    </>
  )
}

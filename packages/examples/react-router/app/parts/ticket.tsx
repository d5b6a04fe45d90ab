import type { Visitor } from '../visitor.ts'

export interface TicketProps {
  readonly visitor: Visitor
  /** `null` while nothing is stored. */
  readonly number: string | null
}

/** The session's data, as a ticket. */
export function Ticket({ visitor: { user, visits, cart }, number }: TicketProps) {
  return (
    <section className="ticket" aria-labelledby="ticket-title">
      <div>
        <h1 id="ticket-title">{user === null ? 'Welcome' : `Welcome, ${user}`}</h1>
        <dl>
          <div>
            <dt>Visitor</dt>
            <dd id="who">{user ?? 'not signed in'}</dd>
          </div>
          <div>
            <dt>Visits</dt>
            <dd id="visits">{visits}</dd>
          </div>
          <div>
            <dt>Cart</dt>
            <dd id="cart">{contents(cart)}</dd>
          </div>
        </dl>
      </div>
      <p className="stub">
        <span className="soft">{number === null ? 'No ticket yet' : 'Ticket'}</span>
        {number === null ? null : <strong>{number}</strong>}
      </p>
    </section>
  )
}

function contents(cart: Visitor['cart']) {
  const items = Object.entries(cart).map(([item, count]) => `${count} × ${item}`)
  return items.length === 0 ? 'empty' : items.join(', ')
}

import type { Html } from './html.ts'
import { html } from './html.ts'
import type { Visitor } from './visitors.ts'

/** What the session holds, as a ticket. Its number comes from the session's id, so `renew` changes it. */
export function ticket({ user, visits, cart }: Visitor, id: string | null): Html {
  return html`<section class="ticket" aria-labelledby="ticket-title">
    <div>
      <h1 id="ticket-title">${user === null ? 'Welcome' : `Welcome, ${user}`}</h1>
      <dl>
        <div>
          <dt>Visitor</dt>
          <dd id="who">${user ?? 'not signed in'}</dd>
        </div>
        <div>
          <dt>Visits</dt>
          <dd id="visits">${visits}</dd>
        </div>
        <div>
          <dt>Cart</dt>
          <dd id="cart">${contents(cart)}</dd>
        </div>
      </dl>
    </div>
    <div class="stub">${id === null ? html`<p class="soft">No ticket yet</p>` : number(id)}</div>
  </section>`
}

function number(id: string): Html {
  return html`<p class="soft">Ticket</p>
    <strong>${ticketNumber(id)}</strong>`
}

function contents(cart: ReadonlyMap<string, number>): Html {
  if (cart.size === 0) return html`empty`
  const items = [...cart].map(([item, count]) => html`<span class="item">${count} × ${item}</span>`)
  return html`${items}`
}

function ticketNumber(id: string): string {
  let number = 0
  for (const character of id) number = (number * 31 + character.charCodeAt(0)) % 10_000
  return String(number).padStart(4, '0')
}

import type { ReactNode } from 'react'
import { Form } from 'react-router'

/** The forms, which work without JavaScript. */
export function Counter({ user }: { readonly user: string | null }) {
  return (
    <section className="counter" aria-label="The counter">
      {user === null ? <SignIn /> : <SignOut />}
      <Desk title="Hand something in" intent="add" button="Add to cart">
        <label htmlFor="item">Item</label>
        <input id="item" name="item" list="items" maxLength={60} required autoComplete="off" />
        <datalist id="items">
          <option>Umbrella</option>
          <option>Wool coat</option>
          <option>Scarf</option>
        </datalist>
      </Desk>
      <Desk title="Count a visit" intent="visit" button="Count a visit">
        <p className="soft">Viewing this page writes nothing. This does.</p>
      </Desk>
    </section>
  )
}

function SignIn() {
  return (
    <Desk title="Sign in" intent="sign-in" button="Sign in">
      <label htmlFor="user">Name</label>
      <input id="user" name="user" maxLength={60} required autoComplete="username" />
    </Desk>
  )
}

function SignOut() {
  return (
    <Desk title="Sign out" intent="sign-out" button="Sign out">
      <p className="soft">The session ends everywhere, in every tab.</p>
    </Desk>
  )
}

interface DeskProps {
  readonly title: string
  readonly intent: string
  readonly button: string
  readonly children: ReactNode
}

/** The key makes a new form for each intent, so that text typed into one does not appear in another. */
function Desk({ title, intent, button, children }: DeskProps) {
  return (
    <Form key={intent} className="card" method="post" action="/?index">
      <h2>{title}</h2>
      <input type="hidden" name="intent" value={intent} />
      {children}
      <button>{button}</button>
    </Form>
  )
}

import { countVisitAction, putInCartAction, signInAction } from '../app/actions.ts'
import { Desk } from './desk.tsx'

/** The forms. They work without JavaScript. */
export function Counter({ user }: { readonly user: string | null }) {
  return (
    <section className="counter" aria-label="The counter">
      {user === null ? <SignIn /> : <SignOut />}
      <Desk title="Hand something in" action={putInCartAction} button="Add to cart">
        <label htmlFor="item">Item</label>
        <input id="item" name="item" list="items" maxLength={60} required autoComplete="off" />
        <datalist id="items">
          <option>Umbrella</option>
          <option>Wool coat</option>
          <option>Scarf</option>
        </datalist>
      </Desk>
      <Desk title="Count a visit" action={countVisitAction} button="Count a visit">
        <p className="soft">Looking at this page writes nothing. This does.</p>
      </Desk>
    </section>
  )
}

function SignIn() {
  return (
    <Desk title="Sign in" action={signInAction} button="Sign in">
      <label htmlFor="user">Name</label>
      <input id="user" name="user" maxLength={60} required autoComplete="username" />
    </Desk>
  )
}

function SignOut() {
  return (
    <form className="card" method="post" action="/sign-out">
      <h2>Sign out</h2>
      <p className="soft">The session ends everywhere, in every tab.</p>
      <button>Sign out</button>
    </form>
  )
}

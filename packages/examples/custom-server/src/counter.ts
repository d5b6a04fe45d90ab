import type { Html } from './html.ts'
import { html } from './html.ts'
import type { Visitor } from './visitors.ts'

/** The forms. They work without JavaScript. */
export function counter({ user }: Visitor, disabled: boolean): Html {
  return html`<section class="counter" aria-label="The counter">
  ${user === null ? signIn(disabled) : signOut(disabled)}
  <form class="card" method="post" action="/cart">
    <fieldset${disabled && html` disabled`}>
      <legend>Hand something in</legend>
      <label for="item">Item</label>
      <input id="item" name="item" list="items" maxlength="60" required autocomplete="off">
      <datalist id="items">
        <option>Umbrella</option><option>Wool coat</option><option>Scarf</option><option>Hat</option>
      </datalist>
      <button>Add to cart</button>
    </fieldset>
  </form>
  <form class="card" method="post" action="/visit">
    <fieldset${disabled && html` disabled`}>
      <legend>Count a visit</legend>
      <p>Looking at this page writes nothing. This does.</p>
      <button>Count a visit</button>
    </fieldset>
  </form>
</section>`
}

function signIn(disabled: boolean): Html {
  return html`<form class="card" method="post" action="/sign-in">
    <fieldset${disabled && html` disabled`}>
      <legend>Sign in</legend>
      <label for="user">Name</label>
      <input id="user" name="user" maxlength="60" required autocomplete="username">
      <button class="primary">Sign in</button>
    </fieldset>
  </form>`
}

function signOut(disabled: boolean): Html {
  return html`<form class="card" method="post" action="/sign-out">
    <fieldset${disabled && html` disabled`}>
      <legend>Sign out</legend>
      <p>The session ends everywhere, in every tab.</p>
      <button class="primary">Sign out</button>
    </fieldset>
  </form>`
}

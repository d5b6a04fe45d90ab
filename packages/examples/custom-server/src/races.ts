import type { Html } from './html.ts'
import { html } from './html.ts'

/** What needs JavaScript: requests that get in each other's way. The script is public/page.js. */
export function races(): Html {
  const pegs = Array.from({ length: 20 }, (_, index) => html`<li>${index + 1}</li>`)
  return html`<section class="races" aria-labelledby="races-title">
    <div>
      <h2 id="races-title">Two races</h2>
      <p>
        Open this page <a href="/" target="_blank">in a second tab</a> too: both have the same
        session, and what one does the other shows as soon as you look at it.
      </p>
    </div>
    <noscript
      ><p class="notice">The races need JavaScript. Everything above works without.</p></noscript
    >
    <div class="pair">
      <article class="card" id="crowd">
        <h3>Twenty at once</h3>
        <p>
          Twenty requests read the same session, take their time, and save one change each. If the
          last save simply won, the others’ changes would be gone. Here every change is merged into
          what is there by then.
        </p>
        <ol class="pegs" aria-hidden="true">
          ${pegs}
        </ol>
        <p class="hint">
          A browser keeps six requests in the air. With curl, all twenty fly at once.
        </p>
        <div class="buttons">
          <button type="button" id="crowd-keys" disabled>Hang 20 coats</button>
          <button type="button" id="crowd-counter" disabled>Count 20 visits</button>
        </div>
        <p class="result" id="crowd-result" role="status"></p>
      </article>
      <article class="card" id="late">
        <h3>Sign out during a slow write</h3>
        <p>
          A request reads the session and saves it a second and a half later. You sign out while it
          runs. It must not bring the session back, and must not fail because of it.
        </p>
        <ol class="steps">
          <li id="late-start"><span>A slow write starts</span><output></output></li>
          <li id="late-logout"><span>You sign out</span><output></output></li>
          <li id="late-end"><span>The slow write ends</span><output></output></li>
          <li id="late-check"><span>A last one, with the old cookie</span><output></output></li>
        </ol>
        <div class="buttons">
          <button type="button" id="late-go" disabled>Start the slow write</button>
        </div>
        <p class="result" id="late-result" role="status"></p>
      </article>
    </div>
  </section>`
}

export function requestLog(): Html {
  return html`<section class="log" id="log" aria-labelledby="log-title" hidden>
    <h2 id="log-title">Requests</h2>
    <div class="scroll" tabindex="0" role="region" aria-labelledby="log-title">
      <table>
        <thead>
          <tr>
            <th scope="col">Request</th>
            <th scope="col">Status</th>
            <th scope="col">Session</th>
            <th scope="col">Time</th>
          </tr>
        </thead>
        <tbody id="log-rows"></tbody>
      </table>
    </div>
    <p class="hint">
      The newest first. “Session” is what became of it, from the header <code>Server-Timing</code>,
      which is sent with <code>EXPLAIN=1</code>. “gone”: it had ended meanwhile, so nothing was
      saved.
    </p>
  </section>`
}

import type { Html } from './html.ts'
import { html } from './html.ts'

/** A whole page around its content. */
export function layout(title: string, content: Html): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="icon" href="/ticket.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/style.css" />
        <link rel="stylesheet" href="/page.css" />
        <script type="module" src="/page.js"></script>
      </head>
      <body>
        <header>
          <a class="brand" href="/"
            ><img src="/ticket.svg" alt="" width="40" height="40" />Coatcheck</a
          >
          <p class="motto">You keep the ticket, we keep the coat.</p>
        </header>
        <main>${content}</main>
        <footer>
          <p>The cookie holds a random token. Everything else stays on the server.</p>
          <p><a href="/public">A page without a session</a></p>
        </footer>
      </body>
    </html> `.markup
}

export function htmlResponse(text: string, init: ResponseInit = {}): Response {
  const headers = new Headers(init.headers)
  headers.set('Content-Type', 'text/html; charset=utf-8')
  return new Response(text, { ...init, headers })
}

import { sessionMiddleware } from '@coatcheck/remix'
import type { ReactNode } from 'react'
import {
  isRouteErrorResponse,
  Link,
  Links,
  Meta,
  Outlet,
  Scripts,
  ScrollRestoration,
} from 'react-router'
import type { Route } from './+types/root'
import { onFailure } from './answers.server.ts'
import styles from './app.css?url'
import { explain, sameOrigin } from './middleware.server.ts'
import { sessions } from './sessions.server.ts'

export const middleware: Route.MiddlewareFunction[] = [
  explain,
  sameOrigin,
  sessionMiddleware(sessions, { onFailure }),
]

export const links: Route.LinksFunction = () => [
  { rel: 'icon', href: '/ticket.svg', type: 'image/svg+xml' },
  { rel: 'stylesheet', href: styles },
]

export function Layout({ children }: { readonly children: ReactNode }) {
  return (
    <html lang="en">
      <head>
        <meta charSet="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <Meta />
        <Links />
      </head>
      <body>
        <header>
          <Link className="brand" to="/">
            <img src="/ticket.svg" alt="" width="40" height="40" />
            Coatcheck
          </Link>
          <p className="soft">on React Router</p>
        </header>
        <main>{children}</main>
        <footer>
          <p className="soft">
            The cookie holds a random token. Everything else stays on the server.
          </p>
          <Link to="/public" prefetch="intent">
            A page without a session
          </Link>
        </footer>
        <ScrollRestoration />
        <Scripts />
      </body>
    </html>
  )
}

export default function App() {
  return <Outlet />
}

export function ErrorBoundary({ error }: Route.ErrorBoundaryProps) {
  const message = isRouteErrorResponse(error) ? String(error.data) : 'Something went wrong here'
  return (
    <section className="card">
      <title>Coatcheck</title>
      <h1>{message}</h1>
      <p>
        <Link to="/">To the counter</Link>
      </p>
    </section>
  )
}

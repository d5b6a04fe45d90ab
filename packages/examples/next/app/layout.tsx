import type { Metadata } from 'next'
import Link from 'next/link'
import type { ReactNode } from 'react'
import './app.css'

export const metadata: Metadata = { title: 'Coatcheck' }

export default function Layout({ children }: { readonly children: ReactNode }) {
  return (
    <html lang="en">
      <head>
        {/* Metadata may be streamed, after a browser has asked for /favicon.ico. */}
        <link rel="icon" href="/ticket.svg" type="image/svg+xml" />
      </head>
      <body>
        <header>
          <Link className="brand" href="/">
            <img src="/ticket.svg" alt="" width="40" height="40" />
            Coatcheck
          </Link>
          <p className="soft">on Next.js</p>
        </header>
        <main>{children}</main>
        <footer>
          <p className="soft">
            The cookie holds a random token. Everything else stays on the server.
          </p>
          <Link href="/public">A page without a session</Link>
        </footer>
      </body>
    </html>
  )
}

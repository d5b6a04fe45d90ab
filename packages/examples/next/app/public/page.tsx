import type { Metadata } from 'next'
import Link from 'next/link'

export const metadata: Metadata = { title: 'The cloakroom · Coatcheck' }

export default function Public() {
  return (
    <section className="card">
      <h1>The cloakroom</h1>
      <p>
        This page is the same for every visitor. It never asks for the session, so it costs no trip
        to the store and sets no cookie, and any cache may store it.
      </p>
      <p>
        <Link href="/">To the counter</Link>
      </p>
    </section>
  )
}

import { Link } from 'react-router'
import type { Route } from './+types/public'

export const headers: Route.HeadersFunction = () => ({ 'Cache-Control': 'public, max-age=60' })

export default function Public() {
  return (
    <section className="card">
      <title>The cloakroom · Coatcheck</title>
      <h1>The cloakroom</h1>
      <p>
        This page is the same for every visitor. It never reads the session, so it costs no trip to
        the store, sets no cookie, and any cache may store it.
      </p>
      <p>
        <Link to="/">To the counter</Link>
      </p>
    </section>
  )
}

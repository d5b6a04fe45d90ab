'use client'

/** A failed sign-in or sign-out of an action that does not call `commit()` has the digest SESSION_UNAVAILABLE. */
export default function Failure({ error }: { readonly error: Error & { digest?: string } }) {
  const isUnavailable = error.digest === 'SESSION_UNAVAILABLE'
  return (
    <section className="card">
      <h1>{isUnavailable ? 'Please try again in a moment' : 'Something went wrong here'}</h1>
      <p>
        <a href="/">To the counter</a>
      </p>
    </section>
  )
}

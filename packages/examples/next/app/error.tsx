'use client'

export default function Failure() {
  return (
    <section className="card">
      <h1>Something went wrong here</h1>
      <p>
        <a href="/">To the counter</a>
      </p>
    </section>
  )
}

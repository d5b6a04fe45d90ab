'use client'

import { useState } from 'react'
import { useRouter } from 'next/navigation'

const crowdSize = 20

/** Needs JavaScript: concurrent requests that lose no update. */
export function Race() {
  const [result, setResult] = useState('')
  const [isRunning, setRunning] = useState(false)
  const { refresh } = useRouter()

  async function run() {
    setRunning(true)
    setResult('Running …')
    setResult(await countVisits().catch(() => 'A request failed.'))
    refresh()
    setRunning(false)
  }

  return (
    <section className="card" aria-labelledby="race-title">
      <h2 id="race-title">Twenty at once</h2>
      <p className="soft">
        Twenty requests read the session, take their time, count a visit and save. No save undoes
        another.
      </p>
      <noscript>
        <p className="soft">This needs JavaScript. Everything above works without.</p>
      </noscript>
      <button type="button" disabled={isRunning} onClick={() => void run()}>
        Count 20 visits
      </button>
      <p role="status">{result}</p>
    </section>
  )
}

async function countVisits(): Promise<string> {
  const before = await send('PATCH', '/api/session', '{"set":{"raced":true}}')
  await Promise.all(
    Array.from({ length: crowdSize }, () => send('POST', '/api/increment?key=visits&delay=300')),
  )
  const after = await send('GET', '/api/session')
  return `${after - before} of ${crowdSize} visits were counted.`
}

/** The number of visits in the response. */
async function send(method: string, path: string, body: string | null = null): Promise<number> {
  const response = await fetch(path, { method, body })
  const { data } = (await response.json()) as { data: { visits?: number } }
  return data.visits ?? 0
}

import { useState } from 'react'
import { useRevalidator } from 'react-router'

const crowdSize = 20

/** Sends 20 requests at once, all of which change the session. Needs JavaScript. */
export function Race() {
  const [result, setResult] = useState('')
  const [isRunning, setRunning] = useState(false)
  const { revalidate } = useRevalidator()

  async function run() {
    setRunning(true)
    setResult('Running …')
    setResult(await countVisits().catch(() => 'A request failed.'))
    await revalidate()
    setRunning(false)
  }

  return (
    <section className="card" aria-labelledby="race-title">
      <h2 id="race-title">Twenty at once</h2>
      <p className="soft">
        Twenty requests read the session, wait, count a visit and save. No save overwrites another.
      </p>
      <noscript>
        <p className="soft">This needs JavaScript.</p>
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

/** Returns the number of visits in the response. */
async function send(method: string, path: string, body: string | null = null): Promise<number> {
  const response = await fetch(path, { method, body })
  const { data } = (await response.json()) as { data: { visits?: number } }
  return data.visits ?? 0
}

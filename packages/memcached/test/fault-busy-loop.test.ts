import { createSessions } from '@coatcheck/core'
import type { SessionEvent } from '@coatcheck/core'
import { startDistance } from '@coatcheck/harness/distance'
import type { Distance } from '@coatcheck/harness/distance'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { memcachedStore } from '../src/store/memcached-store.ts'
import type { MemcachedStore } from '../src/store/memcached-store.ts'

const bytes = Uint8Array.of(1, 2, 3)
const later = () => Date.now() + 3_600_000

let memcached: MemcachedProcess
let distance: Distance
beforeAll(async () => {
  memcached = await startMemcached({ trace: false })
  distance = await startDistance(memcached.port, 1)
})
afterAll(async () => {
  await distance.end()
  await memcached.kill()
})

/** Works synchronously, as a loader may beside `getSession`. */
function work(milliseconds: number): void {
  for (const end = performance.now() + milliseconds; performance.now() < end;);
}

/** Shorter than the loop is blocked; long enough for a memcached that itself waits for the CPU. */
const deadline = 600

const open = (protocol: 'binary' | 'meta' | 'auto'): MemcachedStore =>
  memcachedStore({ servers: `127.0.0.1:${distance.port}`, protocol, deadline })

describe.each(['binary', 'meta', 'auto'] as const)(
  'G1: with memcached 2 ms away, %s, and an event loop that is blocked',
  (protocol) => {
    test.each([
      [700, 20],
      [2000, 3],
    ])('for %d ms beside a command, %d times, every command is answered', async (busy, times) => {
      const store = open(protocol)
      await store.create(`busy:${protocol}:${busy}`, bytes, later())
      const connections = distance.accepted()
      const heard: string[] = []
      for (let page = 0; page < times; page++) {
        const loading = store.load(`busy:${protocol}:${busy}`, later())
        work(busy)
        heard.push(await loading.then((found) => (found ? 'found' : 'missing'), String))
      }
      expect(heard).toEqual(Array.from({ length: times }, () => 'found'))
      expect(distance.accepted()).toBe(connections)
      store.close()
    })

    test('for 700 ms in each of 20 page views, no session is unavailable, no change lost', async () => {
      const store = open(protocol)
      const events: SessionEvent[] = []
      const sessions = createSessions<{ views?: number }>({
        store,
        secrets: ['a secret of at least 32 characters, for tests'],
        onEvent: (event) => void events.push(event),
      })
      const page = (cookie?: string) => {
        const headers = cookie === undefined ? {} : { Cookie: cookie }
        const request = new Request('https://app.test/', { headers })
        const view = sessions.handle(request, ({ data, state }) => {
          data.views = (data.views ?? 0) + 1
          return new Response(`${state} ${data.views}`)
        })
        // A sibling loader that works synchronously.
        work(700)
        return view
      }
      const first = await page()
      const cookie = first.headers.getSetCookie()[0]!.split(';')[0]!
      const connections = distance.accepted()
      const heard: string[] = []
      for (let view = 0; view < 20; view++) heard.push(await (await page(cookie)).text())
      expect(heard).toEqual(Array.from({ length: 20 }, (_, view) => `live ${view + 2}`))
      expect(events.filter(({ type }) => type === 'store.failed')).toEqual([])
      expect(distance.accepted()).toBe(connections)
      store.close()
    })

    test('in the turn in which the command leaves, or in one before its answer', async () => {
      const store = open(protocol)
      await store.create(`turns:${protocol}`, bytes, later())
      const connections = distance.accepted()
      for (const turns of [0, 1, 2, 3]) {
        const loading = store.load(`turns:${protocol}`, later())
        for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate)
        work(700)
        expect(await loading).not.toBeNull()
      }
      expect(distance.accepted()).toBe(connections)
      store.close()
    })

    test('for 700 ms again and again while it connects, the first command is answered', async () => {
      for (let process = 0; process < 3; process++) {
        const store = open(protocol)
        const loading = store.load(`cold:${protocol}`, later())
        let isSettled = false
        void loading.finally(() => (isSettled = true)).catch(() => {})
        for (let turn = 0; turn < 4 && !isSettled; turn++) {
          work(700)
          await new Promise(setImmediate)
        }
        expect(await loading).toBeNull()
        store.close()
      }
    })
  },
)

import { setTimeout as sleep } from 'node:timers/promises'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { memcachedStore } from '../src/store/memcached-store.ts'
import type { MemcachedStore } from '../src/store/memcached-store.ts'
import { startFaultProxy } from './fake-server.ts'
import type { FaultProxy } from './fake-server.ts'
import { awake, patiently } from './patience.ts'

const bytes = Uint8Array.of(1, 2, 3)
const later = () => Date.now() + 3_600_000
const deadline = 250

describe.each(['binary', 'meta', 'auto'] as const)('a frozen server of three, %s', (protocol) => {
  let processes: MemcachedProcess[]
  /** A proxy in front of the frozen server, to see what reaches it. */
  let proxy: FaultProxy
  let received = 0
  let store: MemcachedStore
  /** Ids of sessions on the frozen server, and on the others. */
  const there: string[] = []
  const elsewhere: string[] = []

  beforeAll(async () => {
    processes = await Promise.all(Array.from({ length: 3 }, () => startMemcached({ trace: false })))
    proxy = await startFaultProxy(processes[0]!.port)
    const servers = [proxy.port, processes[1]!.port, processes[2]!.port].map(
      (port) => `127.0.0.1:${port}`,
    )
    store = memcachedStore({ servers, protocol })
    const patient = memcachedStore({ servers, protocol, deadline: 5000 })
    for (let index = 0; there.length < 10 || elsewhere.length < 10; index++) {
      const id = `frozen-${index}`
      await patient.create(id, bytes, later())
      const { version } = (await patient.load(id))!
      ;(version.node === 0 ? there : elsewhere).push(id)
    }
    patient.close()
  })
  afterEach(() => processes[0]!.resume())
  afterAll(async () => {
    store.close()
    await proxy.close()
    await Promise.all(processes.map((memcached) => memcached.kill()))
  })

  /** Stops the server and counts the writes that would have reached it. */
  const freeze = () => {
    processes[0]!.pause()
    received = 0
    proxy.fault({
      request(chunk, { memcached }) {
        received++
        memcached.write(chunk)
      },
    })
  }

  /** Waits until the server answers again. */
  const recovered = async () => {
    const begun = awake()
    while (!(await store.load(there[0]!).catch(() => null))) await sleep(5)
    return awake() - begun
  }

  test('S36: costs the first requests the deadline, and the next ones nothing', async () => {
    await patiently(() => store.check())
    freeze()
    const waited: number[] = []
    let refused = 0
    for (let call = 0; refused === 0; call++) {
      const begun = awake()
      const error = await store.load(there[call % 10]!, later()).catch((reason: Error) => reason)
      expect(error).toMatchObject({ name: 'StoreError', code: 'unavailable' })
      if ((error as Error).message.includes('did not answer before')) refused++
      else waited.push(awake() - begun)
      expect(call).toBeLessThan(10)
    }
    expect(waited.length).toBeLessThanOrEqual(3)
    expect(Math.max(...waited)).toBeLessThan(deadline + 50)

    const before = received
    const outcomes = await Promise.all(
      Array.from({ length: 1000 }, (_, index) => soon(call(index, there[index % 10]!))),
    )
    expect(new Set(outcomes)).toEqual(new Set(['unavailable, not sent']))
    expect(received).toBe(before)
    processes[0]!.resume()
    await recovered()
  })

  test('leaves the sessions of the others alone, all the while', async () => {
    await patiently(() => store.check())
    freeze()
    const calls = there.map((id) => store.load(id).catch((error) => error.code))
    for (let round = 0; round < 20; round++) {
      for (const id of elsewhere) {
        const found = await patiently(() => store.load(id, later()))
        expect(found?.bytes).toHaveLength(3)
      }
      await store.load(there[0]!).catch(() => {})
    }
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['unavailable']))
    processes[0]!.resume()
    await recovered()
  })

  test('S36: is asked once a second, and heard within two seconds of its thaw', async () => {
    await patiently(() => store.check())
    freeze()
    for (let call = 0; call < 4; call++) await store.load(there[0]!).catch(() => {})
    const before = received
    const begun = performance.now()
    while (received === before || performance.now() - begun < 2600) await sleep(10)
    const seconds = Math.ceil((performance.now() - begun) / 1000)
    expect(received - before).toBeLessThanOrEqual(seconds + 1)
    processes[0]!.resume()
    expect(await recovered()).toBeLessThan(2000)
    for (const id of there) {
      expect((await patiently(() => store.load(id)))?.bytes).toHaveLength(3)
    }
  })

  test('is heard at once when the application asks itself', async () => {
    await patiently(() => store.check())
    freeze()
    for (let call = 0; call < 4; call++) await store.load(there[0]!).catch(() => {})
    await expect(store.check()).rejects.toMatchObject({ code: 'unavailable' })
    processes[0]!.resume()
    while (
      !(await store.check().then(
        () => true,
        () => false,
      ))
    );
    expect(await patiently(() => store.load(there[0]!))).not.toBeNull()
  })

  const call = (index: number, id: string): Promise<unknown> => {
    const version = { cas: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1), node: 0 }
    const calls = [
      () => store.load(id),
      () => store.create(id, bytes, later()),
      () => store.save(id, bytes, later(), version),
      () => store.delete(id),
    ]
    return calls[index % 4]!()
  }
})

/** How a call ended that settles before the next turn of the event loop. */
function soon(call: Promise<unknown>): Promise<string> {
  const ended = call.then(
    () => 'fulfilled',
    ({ code, sent }) => `${code}, ${sent ? 'sent' : 'not sent'}`,
  )
  return Promise.race([ended, new Promise<string>((resolve) => setImmediate(resolve, 'waits'))])
}

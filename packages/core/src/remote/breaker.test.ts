import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { StoreError } from './store-error.ts'
import type { StoreErrorCode } from './store-error.ts'
import { createBreaker } from './breaker.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const failure = (code: StoreErrorCode = 'unavailable', sent = true) =>
  new StoreError(code, 'No', { sent })

/** A breaker over a scripted server, and a record of what reached the server. */
function start() {
  const server = { commands: 0, probes: 0, answer: (): unknown => 'ok' }
  const reach = async (): Promise<unknown> => {
    const answer = server.answer()
    if (answer instanceof Error) throw answer
    return answer
  }
  const probe = async (): Promise<void> => {
    server.probes++
    await reach()
  }
  const command = (): Promise<unknown> => {
    server.commands++
    return reach()
  }
  const breaker = createBreaker({ failures: 3, pause: 1000, probe })
  const told = (run: Promise<unknown>) => run.catch((error: StoreError) => error.code)
  return {
    server,
    breaker,
    run: () => told(breaker.run(command)),
    observe: () => told(breaker.observe(command)),
    fail(code?: StoreErrorCode, sent?: boolean) {
      server.answer = () => failure(code, sent)
    },
    heal() {
      server.answer = () => 'ok'
    },
  }
}

describe('a breaker', () => {
  test('lets commands through, and their results and errors out', async () => {
    const { run, fail, breaker, server } = start()
    expect(await run()).toBe('ok')
    const mine = failure('too-large')
    await expect(breaker.run(() => Promise.reject(mine))).rejects.toBe(mine)
    fail()
    expect(await run()).toBe('unavailable')
    expect(server.commands).toBe(2)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('refuses commands after three failures in a row, and sends none', async () => {
    const { run, fail, server, breaker } = start()
    fail()
    for (let call = 0; call < 3; call++) await run()
    const refused = breaker.run(async () => void server.commands++)
    await expect(refused).rejects.toMatchObject({
      name: 'StoreError',
      code: 'unavailable',
      sent: false,
    })
    for (let call = 0; call < 100; call++) expect(await run()).toBe('unavailable')
    expect(server.commands).toBe(3)
  })

  test('begins to count anew after a success', async () => {
    const { run, fail, heal, server } = start()
    for (let round = 0; round < 5; round++) {
      fail()
      await run()
      await run()
      heal()
      expect(await run()).toBe('ok')
    }
    expect(server.commands).toBe(15)
  })

  test('takes second tries for part of the failure that they follow', async () => {
    const { breaker, fail, server } = start()
    fail()
    const lost = failure()
    const run = () =>
      breaker.run(
        () => Promise.reject(lost),
        () => Promise.reject(failure()),
      )
    await Promise.allSettled([run(), run(), run()])
    server.answer = () => 'up'
    expect(await breaker.run(async () => 'up')).toBe('up')
  })

  test('takes the end of one connection for one failure, of however many commands', async () => {
    const { server, breaker, run } = start()
    const error = failure()
    const ended = () => breaker.run(() => Promise.reject(error))
    await Promise.allSettled(Array.from({ length: 200 }, ended))
    expect(await run()).toBe('ok')
    expect(server.commands).toBe(1)
  })

  test('probes once a second until there is an answer', async () => {
    const { run, fail, heal, server } = start()
    fail()
    for (let call = 0; call < 3; call++) await run()
    await vi.advanceTimersByTimeAsync(999)
    expect(server.probes).toBe(0)
    await vi.advanceTimersByTimeAsync(1)
    expect(server.probes).toBe(1)
    await vi.advanceTimersByTimeAsync(5000)
    expect(server.probes).toBe(6)
    expect(await run()).toBe('unavailable')
    heal()
    await vi.advanceTimersByTimeAsync(1000)
    expect(server.probes).toBe(7)
    expect(await run()).toBe('ok')
    expect(vi.getTimerCount()).toBe(0)
  })

  test('opens again after three more failures, not after one', async () => {
    const { run, fail, heal, server } = start()
    fail()
    for (let call = 0; call < 3; call++) await run()
    heal()
    await vi.advanceTimersByTimeAsync(1000)
    fail()
    for (let call = 0; call < 6; call++) await run()
    expect(server.commands).toBe(6)
  })

  test('has one probe at a time, however slow', async () => {
    const { run, fail, server } = start()
    fail()
    for (let call = 0; call < 3; call++) await run()
    server.answer = () => new Promise(() => {})
    await vi.advanceTimersByTimeAsync(10_000)
    expect(server.probes).toBe(1)
    expect(await run()).toBe('unavailable')
  })

  test('counts answers that are none as failures', async () => {
    const { run, fail, server } = start()
    fail('protocol')
    for (let call = 0; call < 5; call++) await run()
    expect(server.commands).toBe(3)
  })

  test.each(['overloaded', 'auth', 'config', 'too-large'] as const)(
    'takes the server saying %s for a sign of life',
    async (code) => {
      const { run, fail, server } = start()
      for (let round = 0; round < 3; round++) {
        fail()
        await run()
        await run()
        fail(code, true)
        expect(await run()).toBe(code)
      }
      expect(server.commands).toBe(9)
    },
  )

  test.each(['unavailable', 'protocol'] as const)(
    'G4: takes a server that reports %s for a live one, as a proxy does of a server behind it',
    async (code) => {
      const { run, fail, server } = start()
      for (let round = 0; round < 3; round++) {
        fail()
        await run()
        await run()
        server.answer = () => new StoreError(code, 'No', { sent: true, answered: true })
        for (let call = 0; call < 5; call++) expect(await run()).toBe(code)
      }
      expect(server.commands).toBe(21)
    },
  )

  test.each(['overloaded', 'config', 'too-large'] as const)(
    'takes our own refusal, %s, for no sign at all',
    async (code) => {
      const { run, fail, server } = start()
      for (let round = 0; round < 3; round++) {
        fail()
        await run()
        fail(code, false)
        expect(await run()).toBe(round < 2 ? code : 'unavailable')
      }
      expect(server.commands).toBe(5)
    },
  )

  test('lets a fault in the set-up be heard again once the probe has met it', async () => {
    const { run, fail } = start()
    fail()
    for (let call = 0; call < 3; call++) await run()
    fail('auth', false)
    await vi.advanceTimersByTimeAsync(1000)
    expect(await run()).toBe('auth')
  })

  test('closes on an answer to a command that is observed', async () => {
    const { run, observe, fail, heal } = start()
    fail()
    for (let call = 0; call < 3; call++) await run()
    expect(await observe()).toBe('unavailable')
    heal()
    expect(await run()).toBe('unavailable')
    expect(await observe()).toBe('ok')
    expect(await run()).toBe('ok')
    expect(vi.getTimerCount()).toBe(0)
  })

  test('stays closed when a probe fails that was on its way at a sign of life', async () => {
    const { run, observe, fail, heal, server } = start()
    fail()
    for (let call = 0; call < 3; call++) await run()
    const probe = Promise.withResolvers<never>()
    server.answer = () => probe.promise
    await vi.advanceTimersByTimeAsync(1000)
    heal()
    await observe()
    probe.reject(failure())
    await vi.advanceTimersByTimeAsync(0)
    expect(await run()).toBe('ok')
    expect(vi.getTimerCount()).toBe(0)
  })

  test('leaves no timer when it is closed, open or in the middle of a probe', async () => {
    const open = start()
    open.fail()
    for (let call = 0; call < 3; call++) await open.run()
    open.breaker.close()
    expect(vi.getTimerCount()).toBe(0)
    for (let call = 0; call < 5; call++) await open.run()
    expect(vi.getTimerCount()).toBe(0)

    const probing = start()
    probing.fail()
    for (let call = 0; call < 3; call++) await probing.run()
    const probe = Promise.withResolvers<never>()
    probing.server.answer = () => probe.promise
    await vi.advanceTimersByTimeAsync(1000)
    probing.breaker.close()
    probe.reject(failure())
    await vi.advanceTimersByTimeAsync(5000)
    expect(vi.getTimerCount()).toBe(0)
    expect(probing.server.probes).toBe(1)
  })
})

describe('a breaker without a probe', () => {
  /** Three failures have opened it. */
  async function open() {
    const server = { commands: 0, error: failure() as Error | null }
    const breaker = createBreaker({ failures: 3, pause: 1000 })
    const run = () =>
      breaker
        .run(async () => {
          server.commands++
          if (server.error !== null) throw server.error
          return 'ok'
        })
        .catch((error: StoreError) => error.code)
    for (let call = 0; call < 3; call++) {
      server.error = failure()
      await run()
    }
    return { server, run }
  }

  test('has no timer, and lets one command through after each pause', async () => {
    const { server, run } = await open()
    expect(vi.getTimerCount()).toBe(0)
    await Promise.all([run(), run()])
    expect(server.commands).toBe(3)
    vi.advanceTimersByTime(999)
    await run()
    expect(server.commands).toBe(3)
    vi.advanceTimersByTime(1)
    expect(await Promise.all([run(), run(), run()])).toEqual(Array(3).fill('unavailable'))
    expect(server.commands).toBe(4)
    vi.advanceTimersByTime(1000)
    server.error = null
    expect(await run()).toBe('ok')
    expect(await Promise.all([run(), run()])).toEqual(['ok', 'ok'])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('lets another command through if the last one never ends', async () => {
    const breaker = createBreaker({ failures: 1, pause: 1000 })
    await breaker.run(() => Promise.reject(failure())).catch(() => {})
    vi.advanceTimersByTime(1000)
    void breaker.run(() => new Promise(() => {}))
    await expect(breaker.run(async () => 'ok')).rejects.toMatchObject({ sent: false })
    vi.advanceTimersByTime(1000)
    expect(await breaker.run(async () => 'ok')).toBe('ok')
  })
})

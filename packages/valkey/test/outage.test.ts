import { spawnSync } from 'node:child_process'
import { createSessions, sum } from '@coatcheck/core'
import { startValkey } from '@coatcheck/harness/valkey'
import type { ValkeyProcess } from '@coatcheck/harness/valkey'
import { startCut } from '@coatcheck/harness/valkey-cut'
import type { Cut } from '@coatcheck/harness/valkey-cut'
import { until } from '@coatcheck/harness/valkey-cluster'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { valkeyStore } from '../src/store/valkey-store.ts'
import type { ValkeyStore } from '../src/store/valkey-store.ts'
import type { ValkeyStoreOptions } from '../src/store/store-options.ts'

interface Data {
  visits?: number
}

const secrets = ['a secret of at least 32 characters, for tests']
const later = (): number => Date.now() + 600_000
const bytes = Uint8Array.of(1, 2, 3)

let valkey: ValkeyProcess
let link: Cut

beforeEach(async () => {
  valkey = await startValkey()
  link = await startCut(valkey.port)
  return async () => {
    link.end()
    await valkey.end()
  }
})

function open(options: Partial<ValkeyStoreOptions> = {}): ValkeyStore {
  const store = valkeyStore({ url: `valkey://127.0.0.1:${link.port}`, deadline: 300, ...options })
  onTestFinished(() => store.close())
  return store
}

/** How often the server has run a command since `before`. */
async function countOf(command: string, act: () => Promise<unknown>): Promise<number> {
  const before = await valkey.commands()
  await act()
  const after = await valkey.commands()
  return (after[command] ?? 0) - (before[command] ?? 0)
}

describe('a server that is frozen', () => {
  it('is given up at the deadline, asked no more after three failures, and used again', async () => {
    const store = open()
    await store.create('a', bytes, later())
    valkey.pause()
    for (let at = 0; at < 3; at++) {
      await expect(store.load('a')).rejects.toMatchObject({ code: 'unavailable' })
    }
    const refused = await Promise.allSettled(Array.from({ length: 100 }, () => store.load('a')))
    for (const each of refused) {
      const { reason } = each as PromiseRejectedResult
      expect(reason).toMatchObject({ code: 'unavailable', sent: false })
      expect(reason.message).toContain('background probe')
    }
    valkey.resume()
    await expect
      .poll(() => store.load('a').catch(() => null))
      .toMatchObject({ bytes: Buffer.from(bytes) })
  })

  it('gets no command later whose caller was told that it failed, if it could not connect', async () => {
    const store = open()
    const other = open()
    await other.create('a', bytes, later())
    valkey.pause()
    await expect(store.delete('a')).rejects.toMatchObject({ code: 'unavailable', sent: false })
    await expect(store.create('b', bytes, later())).rejects.toMatchObject({ sent: false })
    valkey.resume()
    await until('the store is connected again', async () => (await store.load('c')) === null)
    expect(await valkey.ask('exists', 'coatcheck:a')).toBe(1)
    expect(await valkey.ask('exists', 'coatcheck:b')).toBe(0)
  })

  it('holds no caller up after close, on no connection', async () => {
    const confirm = { replicas: 1, timeout: 100 }
    const store = open({ url: valkey.address, deadline: 1000, confirm })
    await store.create('a', bytes, later())
    await store.delete('a').catch(() => {})
    valkey.pause()
    const answers = Promise.allSettled([
      store.load('b'),
      store.create('b', bytes, later()),
      store.delete('b'),
    ])
    await new Promise((resolve) => setTimeout(resolve, 20))
    store.close()
    for (const answer of await answers) {
      expect(answer).toMatchObject({ reason: { code: 'unavailable' } })
    }
    valkey.resume()
  })

  it('is not confused with an event loop that is busy', async () => {
    const store = open()
    await store.create('a', bytes, later())
    for (let at = 0; at < 5; at++) {
      const loading = store.load('a')
      const until = performance.now() + 600
      while (performance.now() < until);
      expect(await loading).not.toBeNull()
    }
  })
})

describe('an answer that is lost', () => {
  it('lets a write fail, which is not sent again; a read is', async () => {
    const store = open()
    await store.create('a', bytes, later())
    const { version } = (await store.load('a'))!
    await store.save('none', bytes, later(), version)
    link.cut('answers')
    const saves = await countOf('evalsha', async () => {
      const saving = store.save('a', bytes, later(), version)
      await expect(saving).rejects.toMatchObject({ code: 'unavailable', sent: true })
    })
    expect(saves).toBe(1)
    link.mend()
    expect(await store.save('a', bytes, later(), version)).toBe('conflict')

    const before = (await valkey.commands())['getex']!
    const reads = await countOf('getex', async () => {
      link.cut('answers')
      const loading = store.load('a')
      await until('it is sent', async () => (await valkey.commands())['getex']! > before)
      link.mend()
      expect(await loading).not.toBeNull()
    })
    expect(reads).toBe(2)
  })

  it('lets nothing be counted twice, and ends what was to be ended', async () => {
    const store = open()
    // The server has both scripts, and the store knows that there are no replicas.
    await store.create('warm', bytes, later())
    const { version } = (await store.load('warm'))!
    await store.save('warm', bytes, later(), version)
    await store.delete('warm', (await store.load('warm'))!.version)
    const sessions = createSessions<Data>({
      store,
      secrets,
      merge: { visits: sum },
      onEvent: () => {},
    })
    const begun = await sessions.open('')
    begun.session.data.visits = 1
    const { cookie } = await begun.commit()
    const header = `${cookie?.name}=${cookie?.value}`
    const counting = await sessions.open(header)
    counting.session.data.visits = 2
    const scripts = async (): Promise<number> => (await valkey.commands())['evalsha'] ?? 0
    const first = await scripts()
    link.cut('answers')
    const commit = counting.commit()
    await until('it is carried out', async () => (await scripts()) > first)
    link.mend()
    expect(['saved', 'unavailable']).toContain((await commit).outcome)
    expect((await sessions.open(header)).session.data.visits).toBe(2)

    const ending = await sessions.open(header)
    ending.session.destroy()
    const before = await scripts()
    link.cut('answers')
    const ended = ending.commit()
    await until('it is carried out', async () => (await scripts()) > before)
    link.mend()
    expect(['destroyed', 'gone']).toContain((await ended).outcome)
    expect((await sessions.open(header)).session.state).toBe('new')
  })
})

describe('commands', () => {
  it('are as many as on memcached: none for a visitor, one for a read, two for a change', async () => {
    const store = open({ deadline: 2000 })
    const sessions = createSessions<Data>({ store, secrets })
    await store.check()
    const counted = ['get', 'getex', 'set', 'del', 'evalsha', 'eval']
    const trips = async (act: () => Promise<unknown>): Promise<number> => {
      const before = await valkey.commands()
      await act()
      const after = await valkey.commands()
      // What a script runs is counted beside the script: SET and DEL of one, GETRANGE of both.
      const inScripts = (after['getrange'] ?? 0) - (before['getrange'] ?? 0)
      const sum = counted.reduce((all, name) => all + (after[name] ?? 0) - (before[name] ?? 0), 0)
      return sum - inScripts
    }
    let header = ''
    const request = async (
      act: (session: Awaited<ReturnType<typeof sessions.open>>['session']) => void,
    ): Promise<void> => {
      const { session, commit } = await sessions.open(header)
      act(session)
      const { cookie } = await commit()
      if (cookie !== null) header = `${cookie.name}=${cookie.value}`
    }
    expect(await trips(() => request(() => {}))).toBe(0)
    expect(await trips(() => request(({ data }) => void (data.visits = 1)))).toBe(1)
    expect(await trips(() => request(({ data }) => void data.visits))).toBe(1)
    expect(await trips(() => request(({ data }) => void data.visits!++))).toBe(2)
    expect(await trips(() => request((session) => session.renew()))).toBe(3)
    expect(await trips(() => request((session) => session.signIn('ann')))).toBe(5)
    expect(await trips(() => request((session) => session.discard()))).toBeLessThanOrEqual(2)
  })
})

describe('a process', () => {
  it('ends by itself with an open store', () => {
    const program = `
      const { valkeyStore } = await import('${import.meta.resolve('../src/store/valkey-store.ts')}')
      const store = valkeyStore({ url: '${valkey.address}' })
      await store.load('a')
      console.log('loaded')`
    const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
      timeout: 20_000,
    })
    expect([stdout, status]).toEqual(['loaded\n', 0])
  })
})

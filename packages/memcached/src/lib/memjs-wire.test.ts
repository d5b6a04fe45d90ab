import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MemcachedOptions, MemcachedProcess } from '@coatcheck/testkit/memcached'
import { commandCount, startMemcached } from '@coatcheck/testkit/memcached'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { StoreErrorCode } from './errors.ts'
import { createMemjsWire } from './memjs-wire.ts'
import type { Hit, Wire } from './wire.ts'

const value = Uint8Array.of(1, 2, 3)
const other = Uint8Array.of(4, 5)

/** Longer than a test may take: what settles has not waited for it. */
const never = 300_000

function wireTo({ port }: MemcachedProcess, deadline = 250): Wire {
  return createMemjsWire({ host: '127.0.0.1', port, deadline })
}

function fault(code: StoreErrorCode, sent: boolean) {
  return expect.objectContaining({ name: 'StoreError', code, sent })
}

/** A memcached of its own for one test. */
async function withMemcached(
  options: MemcachedOptions,
  test: (memcached: MemcachedProcess, wire: Wire) => Promise<void>,
): Promise<void> {
  const memcached = await startMemcached(options)
  const wire = wireTo(memcached)
  try {
    await test(memcached, wire)
  } finally {
    wire.close()
    await memcached.kill()
  }
}

describe('a memjs wire', () => {
  let memcached: MemcachedProcess
  let wire: Wire

  beforeAll(async () => {
    memcached = await startMemcached()
  })
  afterAll(() => memcached.kill())
  beforeEach(async () => {
    await memcached.flush()
    wire = wireTo(memcached, never)
  })
  afterEach(() => wire.close())

  async function hit(key: string, ttl?: number): Promise<Hit> {
    const found = await wire.get(key, ttl)
    if (found === null) throw new Error('a miss')
    return found
  }

  it('adds to a free key, with its ttl', async () => {
    expect(await wire.add('k', value, 100)).toBe(true)
    expect((await hit('k')).value).toEqual(value)
    expect([99, 100]).toContain(await memcached.ttl('k'))
  })

  it('does not add to a taken key, and leaves it as it is', async () => {
    await wire.add('k', value, 100)
    const { cas } = await hit('k')
    expect(await wire.add('k', other, 500)).toBe(false)
    expect(await hit('k')).toEqual({ value, cas })
    expect(await memcached.ttl('k')).toBeLessThanOrEqual(100)
  })

  it('misses what is not there, with and without a ttl', async () => {
    expect(await wire.get('k')).toBeNull()
    expect(await wire.get('k', 100)).toBeNull()
  })

  it('gives a cas of 8 bytes, not all of them zero', async () => {
    await wire.add('k', value, 100)
    const { cas } = await hit('k')
    expect(cas).toHaveLength(8)
    expect(cas.some((byte) => byte !== 0)).toBe(true)
  })

  it('moves the ttl with a read that brings one, and only with that', async () => {
    await wire.add('k', value, 100)
    await hit('k')
    expect(await memcached.ttl('k')).toBeLessThanOrEqual(100)
    await hit('k', 5000)
    expect(await memcached.ttl('k')).toBeGreaterThan(4000)
    await hit('k', 50)
    expect(await memcached.ttl('k')).toBeLessThanOrEqual(50)
  })

  it('keeps the cas when it moves the ttl', async () => {
    await wire.add('k', value, 100)
    const before = await hit('k')
    expect(await hit('k', 500)).toEqual(before)
    expect(await hit('k')).toEqual(before)
  })

  it('replaces under the right cas, with a new cas and a new ttl', async () => {
    await wire.add('k', value, 100)
    const { cas } = await hit('k')
    expect(await wire.replace('k', other, 500, cas)).toBe('saved')
    const after = await hit('k')
    expect(after.value).toEqual(other)
    expect(after.cas).not.toEqual(cas)
    expect(await memcached.ttl('k')).toBeGreaterThan(100)
  })

  it('does not replace under a stale cas', async () => {
    await wire.add('k', value, 100)
    const { cas } = await hit('k')
    await wire.replace('k', other, 100, cas)
    const current = await hit('k')
    expect(await wire.replace('k', value, 500, cas)).toBe('conflict')
    expect(await hit('k')).toEqual(current)
    expect(await memcached.ttl('k')).toBeLessThanOrEqual(100)
  })

  it('does not create by replacing', async () => {
    await wire.add('k', value, 100)
    const { cas } = await hit('k')
    await memcached.evict('k')
    expect(await wire.replace('k', other, 100, cas)).toBe('missing')
    expect(await memcached.keys()).toEqual([])
  })

  it('refuses a cas that would be no condition, before it is sent', async () => {
    await wire.add('k', value, 100)
    const before = await memcached.commands()
    for (const cas of [new Uint8Array(8), Uint8Array.of(1), new Uint8Array(9).fill(1)]) {
      await expect(wire.replace('k', other, 100, cas)).rejects.toEqual(fault('config', false))
      await expect(wire.delete('k', cas)).rejects.toEqual(fault('config', false))
    }
    expect(commandCount(before, await memcached.commands())).toBe(0)
    expect((await hit('k')).value).toEqual(value)
  })

  it('deletes, and has nothing to delete the second time', async () => {
    await wire.add('k', value, 100)
    expect(await wire.delete('k')).toBe('deleted')
    expect(await wire.get('k')).toBeNull()
    expect(await wire.delete('k')).toBe('missing')
  })

  it('deletes under a cas only what still has it', async () => {
    await wire.add('k', value, 100)
    const { cas } = await hit('k')
    await wire.replace('k', other, 100, cas)
    expect(await wire.delete('k', cas)).toBe('conflict')
    const current = await hit('k')
    expect(current.value).toEqual(other)
    expect(await wire.delete('k', current.cas)).toBe('deleted')
    expect(await wire.delete('k', current.cas)).toBe('missing')
  })

  it('keeps every value as it is: empty, binary, large', async () => {
    const values = {
      empty: new Uint8Array(0),
      binary: Uint8Array.from({ length: 256 }, (_, index) => index),
      text: new TextEncoder().encode('\r\nEND\r\nVALUE'),
      large: crypto.getRandomValues(new Uint8Array(65_536)),
      largest: new Uint8Array(1_000_000).fill(7),
      view: Uint8Array.of(9, 1, 2, 9).subarray(1, 3),
    }
    for (const [key, bytes] of Object.entries(values)) {
      expect(await wire.add(key, bytes, 100)).toBe(true)
      const found = await hit(key)
      expect(Buffer.compare(found.value, bytes)).toBe(0)
      expect(await wire.replace(key, bytes, 100, found.cas)).toBe('saved')
      expect(await memcached.rawGet(key)).toEqual(Buffer.from(bytes))
    }
  })

  it('keeps nothing of what it was given, and gives nothing that it still uses', async () => {
    const given = Uint8Array.of(1, 2, 3)
    const added = wire.add('k', given, 100)
    given.fill(9)
    await added
    const first = await hit('k')
    expect(first.value).toEqual(value)
    const { buffer, byteLength } = first.value
    expect(buffer.byteLength).toBe(byteLength)
    expect(first.cas.buffer.byteLength).toBe(8)
  })

  it('gives each of many commands at once its own answer, over one connection', async () => {
    const before = await memcached.stats()
    const names = Array.from({ length: 500 }, (_, index) => `k${index}`)
    await Promise.all(names.map((name) => wire.add(name, Buffer.from(name), 100)))
    const found = await Promise.all(names.map((name) => hit(name)))
    expect(found.map((one) => Buffer.from(one.value).toString())).toEqual(names)
    const after = await memcached.stats()
    // The other one asked for the statistics.
    expect(Number(after['total_connections']) - Number(before['total_connections'])).toBe(2)
  })

  it('is one command each time', async () => {
    const counts: number[] = []
    const counted = async (command: () => Promise<unknown>) => {
      const before = await memcached.commands()
      await command()
      counts.push(commandCount(before, await memcached.commands()))
    }
    await counted(() => wire.check())
    await counted(() => wire.add('k', value, 100))
    await counted(() => wire.get('k'))
    await counted(() => wire.get('k', 100))
    const { cas } = await hit('k')
    await counted(() => wire.replace('k', other, 100, cas))
    await counted(() => wire.delete('k', cas))
    await counted(() => wire.delete('k'))
    expect(counts).toEqual([1, 1, 1, 1, 1, 1, 1])
  })

  it('refuses what is too large for the node, and leaves the record as it was', async () => {
    await wire.add('k', value, 100)
    const before = await hit('k')
    const large = new Uint8Array(1 << 20)
    const tooLarge = fault('too-large', true)
    await expect(wire.replace('k', large, 100, before.cas)).rejects.toEqual(tooLarge)
    await expect(wire.add('new', large, 100)).rejects.toEqual(tooLarge)
    expect(await hit('k')).toEqual(before)
    expect(await wire.get('new')).toBeNull()
  })

  it('sends nothing any more once it is closed', async () => {
    await wire.check()
    wire.close()
    const before = await memcached.commands()
    await expect(wire.get('k')).rejects.toEqual(fault('unavailable', false))
    await expect(wire.check()).rejects.toEqual(fault('unavailable', false))
    expect(commandCount(before, await memcached.commands())).toBe(0)
  })

  it('fails what is in flight when it is closed', async () => {
    await wire.check()
    const asked = wire.get('k')
    wire.close()
    await expect(asked).rejects.toEqual(fault('unavailable', true))
  })
})

describe('a memjs wire and the set-up of its node', () => {
  it('does not log in with what is in the environment', () =>
    withMemcached({}, async (memcached, wire) => {
      process.env['MEMCACHE_USERNAME'] = 'user'
      process.env['MEMCACHE_PASSWORD'] = 'secret'
      try {
        await wire.check()
      } finally {
        delete process.env['MEMCACHE_USERNAME']
        delete process.env['MEMCACHE_PASSWORD']
      }
      expect((await memcached.commands()).total).toBe(1)
    }))

  it('refuses a node without cas, as soon as it reads from it', () =>
    withMemcached({ args: ['-C'] }, async (_, wire) => {
      await wire.add('k', value, 100)
      await expect(wire.get('k')).rejects.toEqual(fault('config', true))
      await expect(wire.get('k', 100)).rejects.toThrow('memcached runs with -C')
    }))

  it('says that a node wants a login', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sasl-'))
    writeFileSync(join(folder, 'memcached.conf'), 'mech_list: plain\n')
    const options = { args: ['-S'], env: { SASL_CONF_PATH: folder } }
    await withMemcached(options, async (_, wire) => {
      await expect(wire.get('k')).rejects.toEqual(fault('auth', true))
      await expect(wire.check()).rejects.toEqual(fault('auth', true))
    })
    rmSync(folder, { recursive: true })
  })

  it('says that a node has no memory left, and leaves the record as it was', () =>
    withMemcached({ args: ['-M', '-m', '8'], trace: false }, async (_, wire) => {
      await wire.add('k', value, 1000)
      const before = await wire.get('k')
      const bytes = new Uint8Array(100_000)
      const fill = async () => {
        for (let index = 0; index < 200; index++) await wire.add(`k${index}`, bytes, 1000)
      }
      await expect(fill()).rejects.toEqual(fault('overloaded', true))
      const replaced = wire.replace('k', bytes, 1000, before!.cas)
      await expect(replaced).rejects.toEqual(fault('overloaded', true))
      expect(await wire.get('k')).toEqual(before)
    }))

  it('says that a node has too many connections', () =>
    withMemcached({ args: ['-c', '30'], threads: 1 }, async (memcached) => {
      const wires = Array.from({ length: 60 }, () => wireTo(memcached))
      const results = await Promise.allSettled(wires.map((wire) => wire.check()))
      for (const wire of wires) wire.close()
      const refused = results.filter((result) => result.status === 'rejected')
      expect(refused.length).toBeGreaterThan(0)
      expect(refused.length).toBeLessThan(60)
      for (const { reason } of refused) expect(reason).toEqual(fault('overloaded', true))
    }))
})

describe('a memjs wire and the outages of its node', () => {
  it('rejects while the node is down, and works again after a restart', () =>
    withMemcached({}, async (memcached, wire) => {
      await wire.check()
      await memcached.stop()
      await expect(wire.get('k')).rejects.toMatchObject({ code: 'unavailable' })
      await expect(wire.add('k', value, 100)).rejects.toEqual(fault('unavailable', false))
      await memcached.restart()
      expect(await wire.add('k', value, 100)).toBe(true)
    }))

  it('fails everything in flight at once when the node is killed', () =>
    withMemcached({}, async (memcached) => {
      const wire = wireTo(memcached, never)
      await wire.check()
      memcached.pause()
      const asked = Array.from({ length: 200 }, (_, index) => wire.get(`k${index}`))
      const settled = Promise.allSettled(asked)
      await memcached.kill()
      for (const result of await settled) {
        expect(result).toEqual({ status: 'rejected', reason: fault('unavailable', true) })
      }
      await memcached.restart()
      expect(await wire.get('k')).toBeNull()
      wire.close()
    }))

  it('rejects within the deadline while the node hangs, also under steady traffic', () =>
    withMemcached({}, async (memcached, wire) => {
      await wire.check()
      memcached.pause()
      const started = performance.now()
      const failed: unknown[] = []
      let asked = 0
      while (performance.now() - started < 600) {
        wire.get('k').catch((error) => failed.push(error))
        asked++
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      await expect.poll(() => failed.length, { timeout: 5000 }).toBe(asked)
      for (const error of failed) expect(error).toMatchObject({ code: 'unavailable' })
      memcached.resume()
      expect(await wire.get('k')).toBeNull()
    }))

  it('rejects within the deadline when the node hangs before there is a connection', () =>
    withMemcached({}, async (memcached, wire) => {
      memcached.pause()
      await expect(wire.get('k')).rejects.toMatchObject({ code: 'unavailable' })
      memcached.resume()
      expect(await wire.get('k')).toBeNull()
    }))

  it('does not take what comes too late for an answer', () =>
    withMemcached({}, async (memcached, wire) => {
      await wire.add('late', value, 100)
      await wire.add('next', other, 100)
      memcached.pause()
      await expect(wire.get('late')).rejects.toEqual(fault('unavailable', true))
      memcached.resume()
      expect((await wire.get('next'))?.value).toEqual(other)
    }))

  it('does not blame the node for the time that we were busy ourselves', () =>
    withMemcached({}, async (_, wire) => {
      await wire.check()
      const asked = wire.get('k')
      await new Promise((resolve) => setImmediate(resolve))
      const started = performance.now()
      while (performance.now() - started < 400);
      expect(await asked).toBeNull()
    }))
})

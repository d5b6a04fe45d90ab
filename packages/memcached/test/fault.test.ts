import { setTimeout as sleep } from 'node:timers/promises'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createBinaryClient } from '../src/protocol/binary-client.ts'
import type { Client } from '../src/protocol/client.ts'
import { createMetaClient } from '../src/protocol/meta-client.ts'
import { startFakeServer, startFaultProxy } from './fake-server.ts'
import type { Fault, FaultProxy } from './fake-server.ts'
import { endings, loads, operations, runCell } from './fault-cell.ts'
import type { CellReport } from './fault-cell.ts'
import {
  altered,
  changes,
  cutRequest,
  endAfter,
  endNow,
  frozen,
  latency,
  resetAfter,
  resetNow,
  says,
  stalledRequest,
  trickle,
  twice,
  unanswered,
  withoutLast,
} from './faults.ts'
import { awake, patient } from './patience.ts'

const host = '127.0.0.1'
const deadline = 150
const connectDeadline = 200
/** For tests in which no call may miss its deadline, however busy the machine is. */
const patience = 5000

let memcached: MemcachedProcess
beforeAll(async () => {
  memcached = await startMemcached({ trace: false })
})
afterAll(() => memcached.kill())

describe.each([
  ['binary', createBinaryClient],
  ['meta', createMetaClient],
] as const)('under a fault, the %s protocol', (protocol, createClient) => {
  let proxy: FaultProxy
  let healthy: Client
  beforeAll(async () => {
    proxy = await startFaultProxy(memcached.port)
    healthy = createClient({ host, port: memcached.port, ...patient })
  })
  afterAll(async () => {
    healthy.close()
    await proxy.close()
  })

  let before: ReturnType<typeof held>
  beforeEach(async () => {
    await healthy.check()
    before = held()
  })
  afterEach(async () => {
    for (let tries = 0; tries < 1000 && held().sockets > before.sockets; tries++) await sleep(5)
    expect(held().sockets).toBeLessThanOrEqual(before.sockets)
    expect(held().timers).toBeLessThanOrEqual(before.timers)
  })

  const open = () => createClient({ host, port: proxy.port, deadline, connectDeadline })
  const openPatiently = () => createClient({ host, port: proxy.port, deadline: patience })
  const change = changes[protocol]

  /** Runs every operation at every load. `succeed`: whether calls must, cannot or may succeed. */
  type Succeed = 'all' | 'none' | 'some'
  const runCells = async (make: () => Fault, succeed: Succeed, wait = deadline) => {
    const limit = succeed === 'all' ? patience : wait
    const codes = new Set<string>()
    const makeClient = limit === patience ? openPatiently : open
    for (const operation of operations) {
      for (const load of loads) {
        const report = await runCell(makeClient, healthy, proxy, make(), operation, load)
        check(report, `${operation}, ${load}`, limit)
        const expected = { all: report.calls, none: 0, some: report.succeeded }[succeed]
        expect(report.succeeded).toBe(expected)
        for (const code of report.codes) codes.add(code)
      }
    }
    return [...codes].sort()
  }

  test('answers while there is none', async () => {
    expect(await runCells(() => ({}), 'all')).toEqual([])
  })

  test('gives up on a server that froze', async () => {
    expect(await runCells(() => frozen, 'none')).toEqual(['unavailable'])
  })

  test('gives up on answers that get lost', async () => {
    expect(await runCells(() => unanswered, 'none')).toEqual(['unavailable'])
  })

  test.each([50, 200])('waits for a server that is %d ms slow', async (milliseconds) => {
    expect(await runCells(() => latency(milliseconds), 'all')).toEqual([])
  })

  test('gives up on a server slower than its deadline', async () => {
    expect(await runCells(() => latency(800), 'none')).toEqual(['unavailable'])
  })

  test('reads answers that come byte by byte', async () => {
    expect(await runCells(() => trickle(1), 'some')).toEqual(['unavailable'])
  })

  test('reads answers that come in pieces', async () => {
    expect(await runCells(() => trickle(1000), 'all')).toEqual([])
  })

  test('fails at once on a reset', async () => {
    expect(await runCells(() => resetAfter(0), 'none')).toEqual(['unavailable'])
  })

  test('fails at once on an end instead of an answer', async () => {
    expect(await runCells(() => endAfter(0), 'none')).toEqual(['unavailable'])
  })

  test('fails at once on an end within an answer', async () => {
    expect(await runCells(() => endAfter(5), 'none')).toEqual(['unavailable'])
  })

  test('refuses an answer to another question', async () => {
    expect(await runCells(() => altered(change.otherOpaque), 'none')).toEqual(['protocol'])
  })

  test('refuses an answer of another kind', async () => {
    const codes = await runCells(() => altered(change.otherOpcode), 'none')
    expect(codes).toEqual(protocol === 'binary' ? ['protocol'] : ['config', 'protocol'])
  })

  test('takes an answer that comes twice at most once', async () => {
    const codes = await runCells(() => altered(twice), 'some')
    expect(['protocol']).toEqual(expect.arrayContaining(codes))
  })

  test('survives an answer that claims to be longer', async () => {
    const codes = await runCells(() => altered(change.longer), 'some')
    expect(['protocol', 'unavailable']).toEqual(expect.arrayContaining(codes))
  })

  test('survives an answer that claims to be shorter', async () => {
    const codes = await runCells(() => altered(change.shorter), 'some')
    expect(['config', 'protocol']).toEqual(expect.arrayContaining(codes))
  })

  test('does not wait for an answer that claims to be endless', async () => {
    const codes = await runCells(() => altered(change.endless), 'some', patience)
    expect(codes).toEqual(['protocol'])
  })

  test('refuses lengths that cannot be', async () => {
    const codes = await runCells(() => altered(change.impossible), 'some', patience)
    expect(codes).toEqual(['protocol'])
  })

  test('refuses garbage', async () => {
    const codes = await runCells(() => altered(change.garbage), 'none')
    expect(['config', 'protocol']).toEqual(expect.arrayContaining(codes))
  })

  test('survives a command of which only a part arrives', async () => {
    expect(await runCells(() => cutRequest(10), 'none')).toEqual(['unavailable'])
    expect(await runCells(() => stalledRequest(10), 'none')).toEqual(['unavailable'])
  })

  test('knows a server that has no connection left', async () => {
    const text = 'ERROR Too many open connections'
    expect(await runCells(() => says(`${text}\r\n`), 'none')).toEqual(['overloaded'])
    expect(await runCells(() => says(text), 'none')).toEqual(['overloaded'])
  })

  test('says so when the server is something else', async () => {
    const text = 'HTTP/1.1 400 Bad Request'
    expect(await runCells(() => says(`${text}\r\n\r\n`), 'none')).toEqual(['config'])
    expect(await runCells(() => says(text), 'none')).toEqual(['config'])
  })

  test('connects again at the next command when it was cut off while idle', async () => {
    for (const operation of operations) {
      for (const fault of [resetNow, endNow]) {
        const once: Fault = { begin: (path) => fault.begin!(path) }
        const cut = onlyOpen(proxy)
        const report = await runCell(openPatiently, healthy, cut, once, operation, 'idle')
        check(report, operation, patience)
        expect(report.succeeded).toBe(1)
      }
    }
  })

  test('fails at once when the server refuses connections', async () => {
    const gone = await startFakeServer(() => {})
    await gone.close()
    const client = createClient({ host, port: gone.port, deadline: patience })
    for (const count of [1, 200]) {
      for (const call of Object.values(blind)) {
        const start = awake()
        const calls = await Promise.allSettled(Array.from({ length: count }, () => call(client)))
        expect(awake() - start).toBeLessThan(patience / 2)
        expect(endings(calls)).toEqual(['unavailable, not sent'])
      }
    }
    client.close()
  })

  test('has sent nothing to a server that begins TLS and never ends it', async () => {
    const silent = await startFakeServer(() => {})
    const client = createClient({ host, port: silent.port, tls: true, deadline, connectDeadline })
    const start = awake()
    const calls = await Promise.allSettled(Object.values(blind).map((call) => call(client)))
    expect(awake() - start).toBeLessThan(deadline + 50)
    expect(endings(calls)).toEqual(['unavailable, not sent'])
    for (let tries = 0; tries < 1000 && silent.open() > 0; tries++) await sleep(10)
    expect(silent.open()).toBe(0)
    client.close()
    await silent.close()
  })

  test('is cut at every byte of an answer, and never believes a part of one', async () => {
    for (const operation of operations) {
      const length = await answerLength(operation)
      for (let missing = 1; missing <= length; missing++) {
        for (const how of ['end', 'reset'] as const) {
          const fault = withoutLast(missing, how)
          const report = await runCell(open, healthy, proxy, fault, operation, 'single')
          check(report, `${operation} without the last ${missing} bytes`)
          expect(report.succeeded).toBe(0)
        }
      }
    }
  })

  test('is cut at many places of 200 answers, and believes only what is complete', async () => {
    for (const operation of operations) {
      const length = await answerLength(operation)
      for (let offset = 1; offset < 200 * length; offset += 10 * length + 1) {
        const report = await runCell(open, healthy, proxy, endAfter(offset), operation, 'many')
        check(report, `${operation} at ${offset}`)
        // The number in an answer has 1 to 10 digits.
        expect(report.succeeded).toBeLessThanOrEqual(offset / (length - 9))
      }
    }
  })

  /** Bytes of the answer to one command, as the proxy forwards it. */
  const answerLength = async (operation: (typeof operations)[number]): Promise<number> => {
    let length = 0
    const count: Fault = {
      answer(bytes, { client }) {
        length += bytes.length
        client.write(bytes)
      },
    }
    await runCell(open, healthy, proxy, count, operation, 'single')
    return length
  }
})

/** Every operation on a missing record. */
const blind: Record<string, (client: Client) => Promise<unknown>> = {
  get: (client) => client.get('a', 60),
  add: (client) => client.add('a', new Uint8Array(9), 60),
  replace: (client) => client.replace('a', new Uint8Array(9), 60, new Uint8Array(8).fill(1)),
  delete: (client) => client.delete('a'),
}

/** Checks that hold in every cell. */
function check(report: CellReport, cell: string, limit = deadline): void {
  const { wrong, took, next, leaked } = report
  const inTime = took < limit + 50
  expect({ cell, wrong, inTime, next, leaked }).toEqual({
    cell,
    wrong: [],
    inTime: true,
    next: 'null',
    leaked: 0,
  })
}

/** The resources that keep the process running. */
function held(): { readonly sockets: number; readonly timers: number } {
  const names = process.getActiveResourcesInfo()
  const count = (pattern: RegExp) => names.filter((name) => pattern.test(name)).length
  return { sockets: count(/TCPSocketWrap|TLSWrap|TCPConnectWrap/), timers: count(/Timeout/) }
}

/** A proxy whose faults affect only connections that are already open. */
function onlyOpen(proxy: FaultProxy): FaultProxy {
  return {
    ...proxy,
    fault(fault) {
      proxy.fault(fault)
      proxy.fault(undefined)
    },
  }
}

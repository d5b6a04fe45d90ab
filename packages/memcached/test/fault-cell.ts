import { setTimeout as sleep } from 'node:timers/promises'
import type { StoreError } from '@coatcheck/core/remote'
import type { Client } from '../src/protocol/client.ts'
import type { Fault, FaultProxy } from './fake-server.ts'
import { awake, patiently } from './patience.ts'

export const operations = ['get', 'add', 'replace', 'delete'] as const
export const loads = ['idle', 'single', 'many'] as const

export type Operation = (typeof operations)[number]
export type Load = (typeof loads)[number]

/** The result of one cell of the matrix. */
export interface CellReport {
  readonly calls: number
  readonly succeeded: number
  /** Codes of the calls that rejected with a `StoreError`. */
  readonly codes: ReadonlySet<string>
  /** Rejections other than a `StoreError`, and false results. */
  readonly wrong: readonly string[]
  /** Milliseconds until the last call had settled, on the clock `awake`. */
  readonly took: number
  /** The answer to a command on the healthy server right afterwards. */
  readonly next: string
  /** Connections that stayed open after the client was closed. */
  readonly leaked: number
}

/**
 * One operation under one fault at one load: `idle` is one command on a connection that was idle
 * when the fault began, `single` is one command on a new connection, `many` is 200 of them.
 */
export async function runCell(
  open: () => Client,
  healthy: Client,
  proxy: FaultProxy,
  fault: Fault,
  operation: Operation,
  load: Load,
  ask: (client: Client) => Promise<string> = nextAnswer,
): Promise<CellReport> {
  const count = load === 'many' ? 200 : 1
  const keys = Array.from({ length: count }, () => `cell:${++lastKey}`)
  const value = (key: string) => Buffer.from(`value of ${key}`)
  const hits = await Promise.all(
    keys.map(async (key) => {
      if (operation === 'add') return
      await healthy.add(key, value(key), 60)
      return healthy.get(key)
    }),
  )
  const client = open()
  const run = async (key: string, at: number): Promise<string> => {
    if (operation === 'get') {
      const hit = await client.get(key, 60)
      return hit && Buffer.compare(hit.value, value(key)) === 0 ? 'right' : 'another value'
    }
    if (operation === 'add') return (await client.add(key, value(key), 60)) ? 'right' : 'taken'
    if (operation === 'delete') return (await client.delete(key)) === 'deleted' ? 'right' : 'gone'
    const saved = await client.replace(key, Buffer.from('new'), 60, hits[at]!.cas)
    return saved === 'saved' ? 'right' : saved
  }

  if (load === 'idle') {
    const checked = patiently(() => client.check())
    // With a wrong login nothing succeeds; the caller judges by what it asks then.
    await (ask === nextAnswer ? checked : checked.catch(() => {}))
    await sleep(2)
    proxy.fault(fault)
    await sleep(5)
  } else proxy.fault(fault)

  const start = awake()
  const settled = await Promise.allSettled(keys.map(run))
  const took = awake() - start
  proxy.fault(undefined)

  // If all calls succeeded, the connection may have ended just afterwards: wait until it shows.
  if (settled.every((call) => call.status === 'fulfilled')) await sleep(3)
  const next = await ask(client)
  client.close()
  return { calls: count, ...judge(settled), took, next, leaked: await leftOpen(proxy) }
}

let lastKey = 0

/** The answer or the error of a command. A missed deadline is tried again up to four times. */
function nextAnswer(client: Client): Promise<string> {
  const ask = () =>
    client.get('cell:none').then(String, (error: Error) => {
      if (error.message.startsWith('No answer')) throw error
      return error.message
    })
  return patiently(ask).catch((error: Error) => error.message)
}

function judge(settled: readonly PromiseSettledResult<string>[]) {
  const codes = new Set<string>()
  const wrong: string[] = []
  let succeeded = 0
  for (const call of settled) {
    if (call.status === 'fulfilled') {
      if (call.value === 'right') succeeded++
      else wrong.push(call.value)
    } else if (call.reason.name === 'StoreError') codes.add(call.reason.code)
    else wrong.push(String(call.reason))
  }
  return { codes, wrong, succeeded }
}

/** The distinct ways in which calls ended. */
export function endings(calls: readonly PromiseSettledResult<unknown>[]): string[] {
  const ends = calls.map((call) => {
    if (call.status === 'fulfilled') return `answered ${String(call.value)}`
    const { code, sent, message } = call.reason as Partial<StoreError>
    return code === undefined
      ? `no StoreError: ${message}`
      : `${code}, ${sent ? 'sent' : 'not sent'}`
  })
  return [...new Set(ends)].sort()
}

async function leftOpen(proxy: FaultProxy): Promise<number> {
  for (let tries = 0; tries < 1000 && proxy.open() > 0; tries++) await sleep(2)
  return proxy.open()
}

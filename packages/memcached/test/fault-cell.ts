import { setTimeout as sleep } from 'node:timers/promises'
import type { StoreError } from '../src/errors.ts'
import type { Fault, FaultProxy } from './fake-server.ts'
import type { Wire } from '../src/protocol/client.ts'

export const operations = ['get', 'add', 'replace', 'delete'] as const
export const loads = ['idle', 'single', 'many'] as const

export type Operation = (typeof operations)[number]
export type Load = (typeof loads)[number]

/** What one cell of the matrix showed. */
export interface CellReport {
  readonly calls: number
  readonly succeeded: number
  /** Codes of the calls that were rejected with a `StoreError`. */
  readonly codes: ReadonlySet<string>
  /** Rejections that are no `StoreError`, results that are not true. */
  readonly wrong: readonly string[]
  /** Milliseconds until the last call had settled, while we were awake. */
  readonly took: number
  /** What a command said on a healthy node right after. */
  readonly next: string
  /** Connections that stayed open behind the closed wire. */
  readonly leaked: number
}

/**
 * One operation under one fault, at one load: `idle` is one command on a connection that had
 * nothing to do when the fault began, `single` one command on a connection made for it, `many` 200
 * of them.
 */
export async function runCell(
  open: () => Wire,
  healthy: Wire,
  proxy: FaultProxy,
  fault: Fault,
  operation: Operation,
  load: Load,
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
  const wire = open()
  const run = async (key: string, at: number): Promise<string> => {
    if (operation === 'get') {
      const hit = await wire.get(key, 60)
      return hit && Buffer.compare(hit.value, value(key)) === 0 ? 'right' : 'another value'
    }
    if (operation === 'add') return (await wire.add(key, value(key), 60)) ? 'right' : 'taken'
    if (operation === 'delete') return (await wire.delete(key)) === 'deleted' ? 'right' : 'gone'
    const saved = await wire.replace(key, Buffer.from('new'), 60, hits[at]!.cas)
    return saved === 'saved' ? 'right' : saved
  }

  if (load === 'idle') {
    await patiently(() => wire.check())
    await sleep(2)
    proxy.fault(fault)
    await sleep(5)
  } else proxy.fault(fault)

  const start = awake()
  const settled = await Promise.allSettled(keys.map(run))
  const took = awake() - start
  proxy.fault(undefined)

  // What succeeded may have been the last answer before the end; let the news of it arrive.
  if (settled.every((call) => call.status === 'fulfilled')) await sleep(3)
  const next = await nextAnswer(wire)
  wire.close()
  return { calls: count, ...judge(settled), took, next, leaked: await leftOpen(proxy) }
}

let lastKey = 0

/** A deadline may be missed, four times; anything else is heard. */
function nextAnswer(wire: Wire): Promise<string> {
  const ask = () =>
    wire.get('cell:none').then(String, (error: Error) => {
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

let turned = 0
let lastTurn = performance.now()
const sinceTurn = () => Math.min(performance.now() - lastTurn, 10)

/**
 * A clock, in milliseconds, of which a turn of the event loop takes 10 at most: what a busy machine
 * takes from us, however often, is not time that a wire lets us wait.
 */
export function awake(): number {
  return turned + sinceTurn()
}

function turn(): void {
  turned += sinceTurn()
  lastTurn = performance.now()
  // Not an interval: while timers are late, it would run more than once in a turn.
  setTimeout(() => setImmediate(turn).unref(), 5).unref()
}
turn()

/** Longer than any machine is busy: for what must be answered. */
export const patient = { deadline: 20_000, connectDeadline: 20_000 } as const

/** What is not in order stays so; a busy machine that misses one deadline does not miss five. */
export function patiently<result>(call: () => Promise<result>): Promise<result> {
  return call().catch(call).catch(call).catch(call).catch(call)
}

/** How calls ended, each way once. */
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

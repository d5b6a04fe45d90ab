import { createSessions, sum } from '@coatcheck/core'
import type { SessionEvent, SessionStore } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { commandCount, startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { memcachedStore } from '@coatcheck/memcached'
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { TracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { withTelemetry } from '../src/index.ts'

const spanExporter = new InMemorySpanExporter()
const tracerProvider = new TracerProvider({
  spanProcessors: [new SimpleSpanProcessor({ exporter: spanExporter })],
})
const metricExporter = new InMemoryMetricExporter(AggregationTemporality.DELTA)
const reader = new PeriodicExportingMetricReader({ exporter: metricExporter })
const meterProvider = new MeterProvider({ readers: [reader] })
const telemetry = { tracerProvider, meterProvider }

let memcached: MemcachedProcess
beforeAll(async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  memcached = await startMemcached()
})
afterAll(async () => {
  context.disable()
  await meterProvider.shutdown()
  await memcached.kill()
})
beforeEach(async () => {
  await meterProvider.forceFlush()
  spanExporter.reset()
  metricExporter.reset()
})

/** `name {attributes}`: the count and the sum of what was recorded since the last call. */
async function collect(): Promise<Record<string, readonly [count: number, sum: number]>> {
  await meterProvider.forceFlush()
  const points = metricExporter.getMetrics().flatMap(({ scopeMetrics }) =>
    scopeMetrics.flatMap(({ metrics }) =>
      metrics.flatMap(({ descriptor, dataPoints }) =>
        dataPoints.map(({ attributes, value }) => {
          const { count, sum } =
            typeof value === 'number' ? { count: 0, sum: value } : { sum: 0, ...value }
          const shown = Object.values(attributes).join(' ')
          return [`${descriptor.name} ${shown}`.trim(), [count, sum ?? 0]] as const
        }),
      ),
    ),
  )
  metricExporter.reset()
  return Object.fromEntries(points)
}

/** Runs a request below a span, as the instrumentation of a server does. */
function inRequest<result>(run: () => Promise<result>): Promise<result> {
  return tracerProvider.getTracer('test').startActiveSpan('GET /', async (span) => {
    try {
      return await run()
    } finally {
      span.end()
    }
  })
}

function requestSpan(): ReadableSpan {
  return spanExporter.getFinishedSpans().find(({ name }) => name === 'GET /')!
}

function storeSpans(): readonly ReadableSpan[] {
  return spanExporter.getFinishedSpans().filter(({ name }) => name.startsWith('coatcheck.'))
}

interface Visits {
  visits: number
}

function create(store: SessionStore, onEvent?: (event: SessionEvent) => void) {
  return createSessions<Visits>({
    ...withTelemetry({ store, ...(onEvent && { onEvent }) }, telemetry),
    secrets: 'none',
    merge: { visits: sum },
  })
}

describe('withTelemetry', () => {
  it('makes a span of each trip, below that of the request, and measures it', async () => {
    const store = memcachedStore({ servers: memcached.address })
    const sessions = create(store)
    const visit = (cookie = ''): Promise<Response> =>
      inRequest(() =>
        sessions.handle(
          new Request('https://app.example/', { headers: { Cookie: cookie } }),
          (session) => {
            session.data.visits = (session.data.visits ?? 0) + 1
            return Response.json(session.data)
          },
        ),
      )
    await store.check()
    const before = await memcached.commands()
    const first = await visit()
    const cookie = first.headers.getSetCookie()[0]!.split(';')[0]!
    spanExporter.reset()
    await visit(cookie)
    const trips = commandCount(before, await memcached.commands())

    const spans = storeSpans()
    expect(spans.map(({ name, kind }) => [name, kind])).toEqual([
      ['coatcheck.store load', SpanKind.CLIENT],
      ['coatcheck.store save', SpanKind.CLIENT],
    ])
    const request = requestSpan()
    expect(spans.map((span) => span.parentSpanContext?.spanId)).toEqual([
      request.spanContext().spanId,
      request.spanContext().spanId,
    ])
    expect(request.events.map(({ name, attributes }) => [name, attributes])).toEqual([
      [
        'coatcheck.commit',
        {
          'coatcheck.id_prefix': expect.stringMatching(/^[\w-]{8}$/),
          'coatcheck.outcome': 'saved',
          'coatcheck.tries': 1,
        },
      ],
    ])

    const [key = ''] = await memcached.keys()
    const size = (await memcached.rawGet(key))!.length
    expect(spans[1]?.attributes).toEqual({
      'coatcheck.operation': 'save',
      'coatcheck.result': 'saved',
      'coatcheck.record.size': size,
    })
    const found = await collect()
    expect(found['coatcheck.commits created']).toEqual([0, 1])
    expect(found['coatcheck.commits saved']).toEqual([0, 1])
    const names = ['create created', 'load loaded', 'save saved']
    const durations = names.map((name) => found[`coatcheck.store.duration ${name}`]!)
    expect(durations.map(([count]) => count)).toEqual([1, 1, 1])
    expect(trips).toBe(3)
    expect(durations.every(([, seconds]) => seconds > 0 && seconds < 60)).toBe(true)
    expect(found['coatcheck.store.record.size save']).toEqual([1, size])
    expect(JSON.stringify([found, spans.map(({ attributes }) => attributes)])).not.toContain(
      cookie.split('=')[1]!,
    )
    store.close()
  })

  it('counts conflicts, and what was tried again', async () => {
    const sessions = create(memcachedStore({ servers: memcached.address }))
    const first = await sessions.open(null)
    first.session.data.visits = 1
    const { cookie } = await first.commit()
    const header = `${cookie!.name}=${cookie!.value}`
    const other = create(memcachedStore({ servers: memcached.address }))
    const slow = await sessions.open(header)
    const quick = await other.open(header)
    for (const { session } of [slow, quick]) session.data.visits = 2
    await quick.commit()
    await slow.commit()
    const found = await collect()
    expect(found['coatcheck.conflicts']).toEqual([0, 1])
    expect(found['coatcheck.store.duration save conflict']?.[0]).toBe(1)
    expect(found['coatcheck.store.duration save saved']?.[0]).toBe(2)
    expect(found['coatcheck.commits saved']).toEqual([0, 2])
  })

  it('records the kind of a failure, never its text', async () => {
    const secret = 'key=value of a visitor'
    const failing = (): Promise<never> =>
      Promise.reject(Object.assign(new Error(secret), { code: 'unavailable' }))
    const store = { ...memoryStore(), load: failing }
    const events: SessionEvent[] = []
    const sessions = create(store, (event) => void events.push(event))
    const token = 'A'.repeat(43)
    await inRequest(async () => {
      const { session, commit } = await sessions.open(`__Host-Http-sid=${token}`)
      expect(session.state).toBe('unavailable')
      await commit()
    })
    expect(events.map(({ type }) => type)).toContain('store.failed')
    const [span] = storeSpans()
    expect(span?.status).toEqual({ code: SpanStatusCode.ERROR })
    expect(span?.attributes).toMatchObject({
      'coatcheck.result': 'failed',
      'error.type': 'unavailable',
    })
    const failed = requestSpan().events.find(({ name }) => name === 'coatcheck.store.failed')
    expect(failed?.attributes).toMatchObject({
      'coatcheck.operation': 'load',
      'error.type': 'unavailable',
    })
    const found = await collect()
    expect(found['coatcheck.store.duration load failed unavailable']?.[0]).toBe(1)
    expect(found['coatcheck.events store.failed load unavailable']).toEqual([0, 1])
    const recorded = [found, span?.attributes, span?.events, requestSpan().events]
    expect(JSON.stringify(recorded)).not.toContain('visitor')
  })

  it('goes on printing what loses data if there is no onEvent', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    const store = { ...memoryStore(), load: () => Promise.reject(new TypeError('down')) }
    const { commit } = await create(store).open(`__Host-Http-sid=${'A'.repeat(43)}`)
    await commit()
    expect(error.mock.calls.map(([line]) => String(line))).toEqual([
      expect.stringContaining('The session store failed (TypeError)'),
    ])
    error.mockRestore()
  })

  it('leaves spans out if they are not wanted', async () => {
    const options = { store: memoryStore(), onEvent() {} }
    const sessions = createSessions(withTelemetry(options, { ...telemetry, spans: false }))
    await inRequest(async () => {
      const { session, commit } = await sessions.open(null)
      session.data['a'] = 1
      await commit()
    })
    expect([storeSpans().length, requestSpan().events.length]).toEqual([0, 0])
    expect((await collect())['coatcheck.commits created']).toEqual([0, 1])
  })

  it('keeps what a store says of itself, its scopes, and that two sessions share it', () => {
    const memory = memoryStore()
    const one = withTelemetry({ store: memory }, telemetry).store
    expect(one.inProcess).toBe(true)
    expect(withTelemetry({ store: memory }, telemetry).store).toBe(one)
    expect(one.scope).toBeUndefined()
    const scoped = memcachedStore({ servers: memcached.address, connections: 'per-request' })
    const { scope, inProcess } = withTelemetry({ store: scoped }, telemetry).store
    expect(inProcess).toBeUndefined()
    expect(Object.keys(scope!()).toSorted()).toEqual([
      'create',
      'delete',
      'load',
      'release',
      'save',
    ])
    scoped.close()
  })

  it('measures the connections of one request as well', async () => {
    const store = memcachedStore({ servers: memcached.address, connections: 'per-request' })
    const { session, commit } = await create(store).open(null)
    session.data.visits = 1
    await commit()
    expect((await collect())['coatcheck.store.duration create created']?.[0]).toBe(1)
    store.close()
  })

  it.each(['startSpan', 'setAttributes', 'setStatus', 'end', 'record', 'add', 'addEvent'])(
    'touches no request if %s of a provider throws',
    async (broken) => {
      const act = (name: string) => (): void => {
        if (name === broken) throw new Error('broken')
      }
      const span = {
        setAttributes: act('setAttributes'),
        setStatus: act('setStatus'),
        end: act('end'),
        addEvent: act('addEvent'),
      }
      const getTracer = () => ({ startSpan: () => (act('startSpan')(), span) })
      const getMeter = () => ({
        createHistogram: () => ({ record: act('record') }),
        createCounter: () => ({ add: act('add') }),
      })
      const providers = { tracerProvider: { getTracer }, meterProvider: { getMeter } }
      const memory = memoryStore()
      const store = {
        ...memory,
        delete: (_id: string) =>
          Promise.reject(Object.assign(new Error('down'), { code: 'unavailable' })),
      }
      const heard: string[] = []
      const onEvent = ({ type }: SessionEvent): void => void heard.push(type)
      const instrumented = withTelemetry({ store, onEvent }, providers as never)
      const sessions = createSessions<Visits>({ ...instrumented, secrets: 'none' })
      await context.with(trace.setSpan(context.active(), span as never), async () => {
        const { session, commit } = await sessions.open(null)
        session.data.visits = 1
        const { outcome, cookie } = await commit()
        expect([outcome, heard]).toEqual(['created', ['commit']])
        const again = await sessions.open(`${cookie!.name}=${cookie!.value}`)
        expect(again.session.data.visits).toBe(1)
        await expect(instrumented.store.delete('a')).rejects.toThrow('down')
      })
    },
  )

  it('keeps what else a store has, also one with private fields', async () => {
    class Own {
      #closed = 0
      inProcess = true as const
      readonly #memory = memoryStore()
      load = this.#memory.load
      create = this.#memory.create
      save = this.#memory.save
      delete = this.#memory.delete
      get closed(): number {
        return this.#closed
      }
      close(): void {
        this.#closed++
      }
    }
    const { store } = withTelemetry({ store: Object.freeze(new Own()) }, telemetry)
    store.close()
    expect(store.closed).toBe(1)
    expect(await store.load('a')).toBeNull()
    expect((await collect())['coatcheck.store.duration load missing']?.[0]).toBe(1)
    expect(Object.keys(store)).toContain('inProcess')
    const server = withTelemetry({ store: memcachedStore({ servers: memcached.address }) })
    await server.store.check()
    server.store.close()
    await expect(server.store.load('a')).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('tells the store what is known of a record', async () => {
    const asked: unknown[][] = []
    const load = async (...all: unknown[]) => {
      asked.push(all)
      return null
    }
    const { store } = withTelemetry({ store: { ...memoryStore(), load } }, telemetry)
    const known = { bytes: new Uint8Array(1), version: 1 }
    await store.load('a', 2, known)
    expect(asked).toEqual([['a', 2, known]])
  })

  it('instruments what is instrumented no second time', async () => {
    const onEvent = (): void => {}
    const one = withTelemetry({ store: memoryStore(), onEvent }, telemetry)
    expect(withTelemetry(one, telemetry).store).toBe(one.store)
  })

  it('records an error as a word, and no other text that it calls its code or name', async () => {
    for (const text of ['user=joe of a visitor', 'x'.repeat(80), 'joe@example.org']) {
      for (const error of [
        Object.assign(new Error('t'), { code: text }),
        Object.assign(new Error('t'), { name: text }),
      ]) {
        const store = { ...memoryStore(), load: () => Promise.reject(error) }
        await (await create(store, () => {}).open(`__Host-Http-sid=${'A'.repeat(43)}`)).commit()
      }
    }
    const found = await collect()
    expect(Object.keys(found).join('\n')).not.toMatch(/joe|xxx/)
    expect(found['coatcheck.store.duration load failed _OTHER']?.[0]).toBe(3)
    expect(found['coatcheck.store.duration load failed Error']?.[0]).toBe(3)
  })

  it('works without an SDK', async () => {
    trace.disable()
    const { session, commit } = await createSessions(
      withTelemetry({ store: memoryStore(), onEvent() {} }),
    ).open(null)
    session.data['a'] = 1
    expect((await commit()).outcome).toBe('created')
  })
})

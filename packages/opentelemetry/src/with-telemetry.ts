import { printOnce } from '@coatcheck/core'
import type { OnEvent, SessionEvent, SessionStore } from '@coatcheck/core'
import { metrics, trace } from '@opentelemetry/api'
import type { Attributes, MeterProvider, TracerProvider } from '@opentelemetry/api'
import { instrumentStore, kindOf } from './instrument-store.ts'
import type { Telemetry } from './instrument-store.ts'
import { harmless } from './harmless.ts'
import { createInstruments } from './instruments.ts'
import type { Instruments } from './instruments.ts'

export interface TelemetryOptions {
  /** Whether to record a span for each trip to the store, and each event on the active span. Default: true. */
  readonly spans?: boolean
  /** Default: the global one, as it is when `withTelemetry` is called. */
  readonly tracerProvider?: TracerProvider
  /** Default: the global one, as it is when `withTelemetry` is called. */
  readonly meterProvider?: MeterProvider
}

/** The options of `createSessions` that are instrumented. */
export interface Instrumented {
  readonly store: SessionStore
  readonly onEvent?: OnEvent
}

const name = '@coatcheck/opentelemetry'

/** One instrumented store for each, so that sessions on one store are still known to share it. */
const known = new WeakMap<SessionStore, SessionStore>()

/**
 * Adds telemetry to the options of `createSessions`: `createSessions(withTelemetry({ store, secrets }))`. Each trip to
 * the store is recorded as a child span of the active span, and measured. Events are counted, and passed to `onEvent`.
 * No token, id or value is recorded, except the first 8 characters of an id, in span events.
 */
export function withTelemetry<options extends Instrumented>(
  options: options,
  telemetry: TelemetryOptions = {},
): options {
  const { spans = true, tracerProvider = trace, meterProvider = metrics } = telemetry
  const instruments = createInstruments(meterProvider.getMeter(name))
  const tracer = spans ? tracerProvider.getTracer(name) : null
  const { onEvent = printOnce } = options
  return {
    ...options,
    store: instrumentOnce(options.store, { tracer, instruments }),
    onEvent(event) {
      harmless(() => count(instruments, event))
      if (spans) harmless(() => addToSpan(event))
      // What it returns is a promise if it is an async function, which the core looks after.
      return onEvent(event)
    },
  }
}

function instrumentOnce(store: SessionStore, telemetry: Telemetry): SessionStore {
  const instrumented = known.get(store) ?? instrumentStore(store, telemetry)
  known.set(store, instrumented)
  known.set(instrumented, instrumented)
  return instrumented
}

function addToSpan(event: SessionEvent): void {
  trace.getActiveSpan()?.addEvent(`coatcheck.${event.type}`, attributesOf(event))
}

function count(instruments: Instruments, event: SessionEvent): void {
  if (event.type !== 'commit') {
    // Few values each: neither ids nor texts.
    const { 'coatcheck.id_prefix': _id, 'coatcheck.what': _what, ...few } = attributesOf(event)
    instruments.events.add(1, { 'coatcheck.event': event.type, ...few })
    return
  }
  const { outcome, tries } = event
  instruments.commits.add(1, { 'coatcheck.outcome': outcome })
  if (tries > 1) instruments.conflicts.add(tries - 1)
}

const names: Readonly<Record<string, string>> = { idPrefix: 'id_prefix' }

/** The members of an event. Of an error its kind: the text may hold anything. */
function attributesOf(event: SessionEvent): Attributes {
  const attributes: Attributes = {}
  for (const [member, value] of Object.entries(event) as [string, unknown][]) {
    if (member === 'type') continue
    if (member === 'error') attributes['error.type'] = kindOf(value)
    else if (typeof value === 'string' || typeof value === 'number') {
      attributes[`coatcheck.${names[member] ?? member}`] = value
    }
  }
  return attributes
}

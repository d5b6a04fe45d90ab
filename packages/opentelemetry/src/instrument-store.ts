import type { SessionStore, StoreScope } from '@coatcheck/core'
import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import type { Attributes, Tracer } from '@opentelemetry/api'
import type { Instruments } from './instruments.ts'

type Commands = Pick<SessionStore, 'load' | 'create' | 'save' | 'delete'>

export interface Telemetry {
  /** `null`: no spans. */
  readonly tracer: Tracer | null
  readonly instruments: Instruments
}

/** What a command did. */
interface Ended {
  readonly result: string
  /** Bytes of the record that was read or written. */
  readonly bytes: number | null
}

/** The same store, with a span and measurements for each command. */
export function instrumentStore(store: SessionStore, telemetry: Telemetry): SessionStore {
  const { inProcess, scope } = store
  return {
    ...instrument(store, telemetry),
    ...(inProcess === undefined ? {} : { inProcess }),
    ...(scope === undefined ? {} : { scope: () => instrumentScope(scope.call(store), telemetry) }),
  }
}

function instrumentScope(scope: StoreScope, telemetry: Telemetry): StoreScope {
  return { ...instrument(scope, telemetry), release: () => scope.release() }
}

function instrument(store: Commands, telemetry: Telemetry): Commands {
  return {
    load: (id, expiresAt) =>
      observe(
        telemetry,
        'load',
        () => store.load(id, expiresAt),
        (record) => ({
          result: record === null ? 'missing' : 'loaded',
          bytes: record?.bytes.length ?? null,
        }),
      ),
    create: (id, bytes, expiresAt) =>
      observe(
        telemetry,
        'create',
        () => store.create(id, bytes, expiresAt),
        (isDone) => ({
          result: isDone ? 'created' : 'taken',
          bytes: bytes.length,
        }),
      ),
    save: (id, bytes, expiresAt, version, ends) =>
      observe(
        telemetry,
        'save',
        () => store.save(id, bytes, expiresAt, version, ends),
        (result) => ({
          result,
          bytes: bytes.length,
        }),
      ),
    delete: (id, version) =>
      observe(
        telemetry,
        'delete',
        () => store.delete(id, version),
        (result) => ({
          result,
          bytes: null,
        }),
      ),
  }
}

async function observe<result>(
  { tracer, instruments }: Telemetry,
  operation: keyof Commands,
  run: () => Promise<result>,
  describe: (result: result) => Ended,
): Promise<result> {
  const span = tracer?.startSpan(`coatcheck.store ${operation}`, {
    kind: SpanKind.CLIENT,
    attributes: { 'coatcheck.operation': operation },
  })
  const begun = performance.now()
  const measure = (attributes: Attributes, bytes: number | null): void => {
    const all = { 'coatcheck.operation': operation, ...attributes }
    instruments.duration.record((performance.now() - begun) / 1000, all)
    if (bytes !== null) instruments.bytes.record(bytes, { 'coatcheck.operation': operation })
    span?.setAttributes(bytes === null ? all : { ...all, 'coatcheck.record.size': bytes })
    span?.end()
  }
  try {
    const result = await run()
    const { result: name, bytes } = describe(result)
    measure({ 'coatcheck.result': name }, bytes)
    return result
  } catch (error) {
    span?.setStatus({ code: SpanStatusCode.ERROR })
    measure({ 'coatcheck.result': 'failed', 'error.type': kindOf(error) }, null)
    throw error
  }
}

/** The code of a store's error, or its class. Never its text, which may hold anything. */
export function kindOf(error: unknown): string {
  const { code, name } = (error ?? {}) as { readonly code?: unknown; readonly name?: unknown }
  if (typeof code === 'string') return code
  return typeof name === 'string' ? name : '_OTHER'
}

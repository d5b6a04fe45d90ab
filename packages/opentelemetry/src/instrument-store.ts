import type { SessionStore, StoreScope } from '@coatcheck/core'
import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import type { Attributes, Tracer } from '@opentelemetry/api'
import { harmless, unlessBroken } from './harmless.ts'
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

/** The same store with all that it has, and a span and measurements for each command. */
export function instrumentStore<store extends SessionStore>(
  store: store,
  telemetry: Telemetry,
): store {
  const { scope } = store
  const own: Readonly<Record<PropertyKey, unknown>> = {
    ...instrument(store, telemetry),
    ...(scope === undefined ? {} : { scope: () => instrumentScope(scope.call(store), telemetry) }),
  }
  // A frozen store would have to give its own commands.
  const shell = Object.assign(Object.create(Object.getPrototypeOf(store) as object) as store, store)
  return new Proxy(shell, {
    get(_shell, name) {
      if (Object.hasOwn(own, name)) return own[name]
      const value: unknown = Reflect.get(store, name, store)
      // A private field is not one of the proxy.
      return typeof value === 'function' ? value.bind(store) : value
    },
  })
}

function instrumentScope(scope: StoreScope, telemetry: Telemetry): StoreScope {
  return { ...instrument(scope, telemetry), release: () => scope.release() }
}

function instrument(store: Commands, telemetry: Telemetry): Commands {
  return {
    load: (id, expiresAt, known) =>
      observe(
        telemetry,
        'load',
        () => store.load(id, expiresAt, known),
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
  const span = unlessBroken(() =>
    tracer?.startSpan(`coatcheck.store ${operation}`, {
      kind: SpanKind.CLIENT,
      attributes: { 'coatcheck.operation': operation },
    }),
  )
  const begun = performance.now()
  const measure = (attributes: Attributes, bytes: number | null): void => {
    const all = { 'coatcheck.operation': operation, ...attributes }
    const seconds = (performance.now() - begun) / 1000
    harmless(() => instruments.duration.record(seconds, all))
    if (bytes !== null) {
      harmless(() => instruments.bytes.record(bytes, { 'coatcheck.operation': operation }))
    }
    const described = bytes === null ? all : { ...all, 'coatcheck.record.size': bytes }
    harmless(() => span?.setAttributes(described))
    harmless(() => span?.end())
  }
  let result: result
  try {
    result = await run()
  } catch (error) {
    harmless(() => span?.setStatus({ code: SpanStatusCode.ERROR }))
    measure({ 'coatcheck.result': 'failed', 'error.type': kindOf(error) }, null)
    throw error
  }
  harmless(() => {
    const { result: name, bytes } = describe(result)
    measure({ 'coatcheck.result': name }, bytes)
  })
  return result
}

/** The code of a store's error, or its class. Never its text, which may hold anything, and no code that is no word. */
export function kindOf(error: unknown): string {
  const { code, name } = (error ?? {}) as { readonly code?: unknown; readonly name?: unknown }
  return [code, name].find(isWord) ?? '_OTHER'
}

function isWord(text: unknown): text is string {
  return typeof text === 'string' && /^[A-Za-z][\w-]{0,47}$/.test(text)
}

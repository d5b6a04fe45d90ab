import { createSessions } from '@coatcheck/core'
import type { SessionStore } from '@coatcheck/core'
import type { ByteKind } from './byte-inputs.ts'
import { nextBytes } from './byte-inputs.ts'
import { fuzz } from './fuzz-watch.ts'
import type { Fuzzed } from './fuzz-watch.ts'
import { createPrng } from './prng.ts'
import type { Prng } from './prng.ts'

interface Input {
  readonly kind: ByteKind
  readonly bytes: Uint8Array
  readonly sealed: boolean
}

/** A session whose record can be replaced by anything. */
interface Subject {
  readonly cookie: string
  readonly record: Uint8Array
  readonly open: ReturnType<typeof createSessions>['open']
  put: Uint8Array
}

/** Passes bytes to `sessions.open` as if they came from the store, then reads everything in the session. */
export async function fuzzBytes(seed: number, count: number): Promise<Fuzzed> {
  const prng = createPrng(seed)
  const sealed = await createSubject(prng, true)
  const plain = await createSubject(prng, false)
  return fuzz<Input>({
    count,
    next: () => {
      const isSealed = prng.chance(0.2)
      const { kind, bytes } = nextBytes(prng, (isSealed ? sealed : plain).record)
      return {
        kind: `${kind}${isSealed ? ', sealed' : ''}`,
        input: { kind, bytes, sealed: isSealed },
      }
    },
    show: ({ bytes }) => Buffer.from(bytes.subarray(0, 400)).toString('hex'),
    call: (input) => check(input.sealed ? sealed : plain, input),
  })
}

async function createSubject(prng: Prng, sealed: boolean): Promise<Subject> {
  let put = new Uint8Array(0)
  const store: SessionStore<number> = {
    inProcess: !sealed,
    load: async () => ({ bytes: put.slice(), version: 1 }),
    create: async (_id, bytes) => {
      put = new Uint8Array(bytes)
      return true
    },
    save: async () => 'saved',
    delete: async () => 'deleted',
  }
  const random = (bytes: Uint8Array<ArrayBuffer>): Uint8Array => prng.fill(bytes)
  const { open } = createSessions({
    store,
    testing: { random },
    secrets: ['a secret that only the fuzzer uses'],
  })
  const { session, commit } = await open('')
  Object.assign(session.data, sample)
  const { cookie } = await commit()
  return {
    cookie: `${cookie?.name}=${cookie?.value}`,
    record: put,
    open,
    set put(bytes: Uint8Array<ArrayBuffer>) {
      put = bytes
    },
  }
}

/** One value of every kind that a session can store. */
const sample = {
  text: 'ada',
  count: 7,
  big: 12345678901234567890n,
  when: new Date(0),
  none: null,
  missing: undefined,
  map: new Map([['a', 1]]),
  set: new Set([1, 2]),
  bytes: new Uint8Array([1, 2, 3]),
  minus: -0,
  nested: { list: [1, 'two', { three: [3, 3, 3] }] },
  float: 1.5,
  yes: true,
}

async function check(subject: Subject, { bytes, sealed }: Input): Promise<string | null> {
  subject.put = bytes
  const { session, commit } = await subject.open(subject.cookie)
  const isWhole = Buffer.compare(bytes, subject.record) === 0
  if (session.state !== 'live' && session.state !== 'new') return `is ${session.state}`
  if (isWhole !== (session.state === 'live') && (sealed || isWhole)) return `is ${session.state}`
  readAll(session.data as Record<string, unknown>)
  const { outcome } = await commit()
  // Input that is not in the canonical form is rewritten in it.
  return outcome === 'unchanged' || (outcome === 'saved' && !isWhole) ? null : `was ${outcome}`
}

/** Decodes every value. A damaged one must be reported as such. */
function readAll(data: Record<string, unknown>): void {
  for (const key of Object.keys(data)) {
    try {
      void data[key]
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'damaged-value') throw error
    }
  }
}

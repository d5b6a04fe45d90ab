import { byKey, max, sum, union } from '@coatcheck/core'
import type { AnyResolver } from '@coatcheck/core'
import { defaultDigit, defaultItem, mostCrowd, tooMuch } from './model-schema.ts'
import type { Effect, Plan, RequestPlan } from './plan.ts'

export type Data = Record<string, unknown>

/** The resolvers. `shared` has none, so the later save wins. */
const resolvers: Readonly<Record<string, AnyResolver>> = {
  n: sum,
  high: max,
  list: union,
  cart: byKey,
  crowd: sum,
}

export const merge = (key: string): AnyResolver | undefined =>
  Object.hasOwn(resolvers, key) ? resolvers[key] : undefined

/** Sized so that a record can hold one of them, but not two. */
export const largeText = 'x'.repeat(2600)
export const maxBytes = 5000

/** Request `at` adds this to `n`: its own base-4 digit, which counts how often the request was applied. */
const mark = (at: number): number => 4 ** at

/** The data of a session that request `at` created. With a schema, it already has its defaults. */
function populate(data: Data, at: number, plans: readonly RequestPlan[]): void {
  const had = (effect: Effect): number[] =>
    plans.filter(({ effects }) => effects.has(effect)).map((plan) => plan.at)
  const list = (data['list'] ?? []) as string[]
  const cart = (data['cart'] ?? {}) as Data
  data['born'] = at
  data['kept'] = `kept ${at}`
  data['n'] ??= 0
  data['high'] ??= -1
  data['list'] = [...list, ...had('unlist').map((each) => `was ${each}`)]
  data['cart'] = {
    ...cart,
    ...Object.fromEntries(had('uncart').map((each) => [`was ${each}`, each])),
  }
  data['shared'] = 'first'
  for (const each of had('forget')) data[`was${each}`] = each
}

/** Makes a request's changes, in its handler. `isNew`: there is no session yet. */
export function apply(
  data: Data,
  plan: RequestPlan,
  plans: readonly RequestPlan[],
  isNew: boolean,
): void {
  if (!plan.writes) return
  const { at } = plan
  // A sign-in whose session has ended starts a session with only its own changes.
  if (isNew) populate(data, at, plans)
  data['n'] = ((data['n'] ?? 0) as number) + mark(at)
  for (const effect of plan.effects) perform[effect](data, at)
  if (plan.large) data[`large${at}`] = largeText
}

const perform: Readonly<Record<Effect, (data: Data, at: number) => void>> = {
  own: (data, at) => void (data[`own${at}`] = at),
  list: (data, at) => void ((data['list'] ??= []) as string[]).push(`new ${at}`),
  unlist(data, at) {
    data['list'] = ((data['list'] ?? []) as string[]).filter((item) => item !== `was ${at}`)
  },
  cart: (data, at) => void (((data['cart'] ??= {}) as Data)[`new ${at}`] = at),
  uncart: (data, at) => void delete ((data['cart'] ??= {}) as Data)[`was ${at}`],
  high: (data, at) => void (data['high'] = Math.max((data['high'] ?? -1) as number, at)),
  shared: (data, at) => void (data['shared'] = at),
  unshared: (data) => void delete data['shared'],
  forget: (data, at) => void delete data[`was${at}`],
  refused: (data) => void (data['small'] = tooMuch),
  crowd(data) {
    const crowd = (data['crowd'] ?? 0) as number
    if (crowd < mostCrowd) data['crowd'] = crowd + 1
  },
}

/** A record's data, interpreted as the set of requests in it. */
export interface Reading {
  readonly born: number
  /**
   * The requests in the record, according to the digits of `n`. `born` is -1 in a session that a sign-in started alone.
   */
  readonly applied: ReadonlySet<number>
  readonly shared: unknown
  readonly n: number
}

/**
 * Reads a record. Throws if it is inconsistent: if it contains a request twice or in part, violates a resolver's law,
 * or lacks something that no request deleted.
 */
export function readData(data: Data, { requests: plans, schema }: Plan): Reading {
  const { born, n, shared } = data
  const isAlone = born === undefined && data['kept'] === undefined
  if (typeof n !== 'number' || !(isAlone || data['kept'] === `kept ${String(born)}`)) {
    throw new Error(`partial record: it has ${Object.keys(data).join(', ') || 'no key'}`)
  }
  if (schema !== null) checkDefaults(data, n)
  const applied = new Set<number>()
  for (const { at } of plans) {
    const times = Math.floor(n / mark(at)) % 4
    if (times > 1) throw new Error(`request ${at} was applied ${times} times`)
    if (times === 1) applied.add(at)
  }
  if (isAlone) return readAlone(data, plans, applied)
  for (const plan of plans) checkWhole(data, plan, applied.has(plan.at))
  checkHigh(data, plans, applied)
  return { born: born as number, applied, shared, n }
}

/** A session that a sign-in started with its own changes, after the session it had loaded had ended. */
function readAlone(
  data: Data,
  plans: readonly RequestPlan[],
  applied: ReadonlySet<number>,
): Reading {
  const own = plans.filter(({ at }) => applied.has(at))
  if (!own.some(({ intent }) => intent === 'login')) throw new Error('partial record: no sign-in')
  for (const plan of own) checkWhole(data, plan, true)
  return { born: -1, applied, shared: data['shared'], n: data['n'] as number }
}

/** The traces of each effect that remain visible whatever other requests do. */
const traces: Partial<Record<Effect, (data: Data, at: number) => boolean>> = {
  own: (data, at) => data[`own${at}`] === at,
  list: (data, at) => ((data['list'] ?? []) as string[]).includes(`new ${at}`),
  unlist: (data, at) => !((data['list'] ?? []) as string[]).includes(`was ${at}`),
  cart: (data, at) => ((data['cart'] ?? {}) as Data)[`new ${at}`] === at,
  uncart: (data, at) => !Object.hasOwn((data['cart'] ?? {}) as Data, `was ${at}`),
  forget: (data, at) => !Object.hasOwn(data, `was${at}`),
}

/** A default behaves as if it had been stored: numbers are added to it, items are kept next to it. */
function checkDefaults(data: Data, n: number): void {
  const times = Math.floor(n / mark(defaultDigit))
  if (times !== 1) throw new Error(`the default of 'n' was counted ${times} times`)
  if (!((data['list'] ?? []) as string[]).includes(defaultItem))
    throw new Error("the default of 'list' is lost")
  if (((data['cart'] ?? {}) as Data)[defaultItem] !== defaultDigit)
    throw new Error("the default of 'cart' is lost")
}

function checkWhole(data: Data, plan: RequestPlan, isIn: boolean): void {
  for (const effect of plan.effects) {
    const has = traces[effect]
    if (has === undefined || has(data, plan.at) === isIn) continue
    const what = isIn ? 'is in the record without its' : 'is not in the record, and yet its'
    throw new Error(`request ${plan.at} ${what} '${effect}'`)
  }
}

function checkHigh(data: Data, plans: readonly RequestPlan[], applied: ReadonlySet<number>): void {
  const highs = plans.filter((plan) => plan.effects.has('high') && applied.has(plan.at))
  const expected = highs.reduce((high, { at }) => Math.max(high, at), -1)
  if (data['high'] !== expected) {
    throw new Error(`max: expected ${expected}, and the record has ${String(data['high'])}`)
  }
}

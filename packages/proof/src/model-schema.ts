import type { StandardSchema } from '@coatcheck/core'
import type { Prng } from './prng.ts'

/** The behaviour of a run's schema, besides defaults. */
export interface ModelSchema {
  /** Each validation resolves at a later step. */
  readonly isAsynchronous: boolean
  /**
   * The first request belongs to a former release, without a schema and with other names. The schema converts them, and
   * drops a key that is no longer used.
   */
  readonly carries: boolean
  /** It refuses some values that requests set, and some only after a merge. */
  readonly refuses: boolean
}

export function planSchema(prng: Prng): ModelSchema {
  return {
    isAsynchronous: prng.chance(0.3),
    carries: prng.chance(0.6),
    refuses: prng.chance(0.5),
  }
}

type Data = Record<string, unknown>

/** The default of `n` is a digit that no request uses. It shows whether, and how often, the default was counted. */
export const defaultDigit = 9
export const defaultItem = 'default'

/** The defaults: a number that is added to, a list that is merged, an object that is merged by key. */
export const defaultsOf = (): Data => ({
  n: 4 ** defaultDigit,
  list: [defaultItem],
  cart: { [defaultItem]: defaultDigit },
  high: -1,
})

/** The former release's names. */
const formerNames = { formerN: 'n', formerList: 'list', formerCart: 'cart' } as const

/** A key of the former release that is no longer read. */
export const formerKey = 'former'

/** More entries under `crowd` are refused. */
export const mostCrowd = 1

/** This value under `small` is refused. */
export const tooMuch = 4

/** What the former release would have stored for `data`. */
export function toFormer(data: Data): Data {
  const former = { ...data, [formerKey]: 'not read any more' }
  for (const [name, key] of Object.entries(formerNames)) {
    if (key in former) Object.assign(former, { [name]: former[key as keyof typeof former] })
    Reflect.deleteProperty(former, key)
  }
  return former
}

function shape(value: unknown): Data {
  const data: Data = { ...(value as Data) }
  for (const [name, key] of Object.entries(formerNames)) {
    if (name in data && !(key in data)) data[key] = data[name]
    Reflect.deleteProperty(data, name)
  }
  Reflect.deleteProperty(data, formerKey)
  return { ...defaultsOf(), ...data }
}

const most = { small: 3, crowd: mostCrowd } as const

function issuesOf(data: Data): { readonly message: string; readonly path: readonly string[] }[] {
  return Object.entries(most).flatMap(([key, limit]) => {
    const value = data[key]
    return typeof value === 'number' && value > limit ? [{ message: 'too much', path: [key] }] : []
  })
}

function resultOf(
  data: Data,
): { readonly value: Data } | { readonly issues: ReturnType<typeof issuesOf> } {
  const issues = issuesOf(data)
  return issues.length > 0 ? { issues } : { value: data }
}

/** The schema, as zod or valibot would create it. `later` resolves at a later step. */
export function createSchema(
  { isAsynchronous }: Pick<ModelSchema, 'isAsynchronous'>,
  later: () => Promise<void>,
): StandardSchema<unknown, Data> {
  const validate = (value: unknown): ReturnType<typeof resultOf> => resultOf(shape(value))
  return {
    '~standard': {
      version: 1,
      vendor: 'proof',
      validate: (value) => (isAsynchronous ? later().then(() => validate(value)) : validate(value)),
    },
  }
}

import type { Prng } from './prng.ts'

/** What a request does to the data, each with keys of its own, so that a record shows which requests are in it. */
export type Effect =
  'own' | 'list' | 'unlist' | 'cart' | 'uncart' | 'high' | 'shared' | 'unshared' | 'forget'

export interface RequestPlan {
  readonly at: number
  readonly process: number
  /** Which cookie it sends: the browser's current one, one that the browser once had, or no cookie. */
  readonly cookie: 'current' | 'old' | 'none'
  /** It starts when this one has ended; -1: whenever the schedule has it start. */
  readonly after: number
  /** Every request that writes also adds to `n`, the mark that it is in. */
  readonly writes: boolean
  readonly effects: ReadonlySet<Effect>
  /** `login` calls `signIn`. */
  readonly intent: 'keep' | 'renew' | 'login' | 'destroy' | 'discard'
  /** Calls `sessions.destroy(cookie)` or `sessions.revoke(subject)` instead, and nothing else. */
  readonly direct: 'destroy' | 'revoke' | null
  /** Stops in the handler, so that others overtake it. */
  readonly pauses: number
  /** Puts in so much that the record of two of them is too large. */
  readonly large: boolean
  /** The browser never gets the answer. */
  readonly isAnswerLost: boolean
}

export type Chaos = 'skip' | 'age' | 'expire' | 'evict' | 'flush' | 'restart'

/** What a run is mostly about. */
type Mood = 'writers' | 'renewals' | 'logouts' | 'everything' | 'rotations' | 'subjects'

export interface Plan {
  readonly processes: number
  readonly requests: readonly RequestPlan[]
  readonly chaos: readonly Chaos[]
  readonly failing: number
  /** How often an id that is to be created is taken already, from 0 to 1. */
  readonly taken: number
  /** Tokens rotate after a minute. */
  readonly rotates: boolean
  /**
   * Records are sealed, which takes time, and makes no difference to the rest. Not in runs in which commands
   * fail: what they leave behind could not be read by the laws.
   */
  readonly sealed: boolean
  /** How many sessions the subject may have. */
  readonly limit: number
}

/** The subject of every sign-in. */
export const subject = 'ada'

const effects: readonly Effect[] = [
  'own',
  'list',
  'unlist',
  'cart',
  'uncart',
  'high',
  'shared',
  'unshared',
  'forget',
]

/** More would not fit the digits of `n`: see data.ts. */
export const maxRequests = 9

const moods: readonly Mood[] = [
  'writers',
  'renewals',
  'logouts',
  'everything',
  'rotations',
  'subjects',
]

/** Makes up a run. Request 0 makes the session that most of the others are about. */
export function createPlan(prng: Prng): Plan {
  const processes = 1 + prng.below(3)
  const count = prng.chance(0.8) ? 3 + prng.below(2) : 5 + prng.below(maxRequests - 4)
  const mood = prng.pick(moods)
  const limit = mood === 'subjects' && prng.chance(0.3) ? 1 + prng.below(2) : 100
  const failing = prng.chance(0.5) ? 0 : prng.pick([0.03, 0.1, 0.25])
  return {
    processes,
    requests: Array.from({ length: count }, (_, at) =>
      planRequest(prng, at, { processes, mood, limit }),
    ),
    chaos: planChaos(prng, mood),
    failing,
    taken: prng.chance(0.9) ? 0 : 0.3,
    rotates: mood === 'rotations' || (mood === 'subjects' && prng.chance(0.5)),
    sealed: failing === 0 && prng.chance(0.05),
    limit,
  }
}

interface Theme {
  readonly processes: number
  readonly mood: Mood
  readonly limit: number
}

function planRequest(prng: Prng, at: number, { processes, mood, limit }: Theme): RequestPlan {
  const process = prng.below(processes)
  if (at === 0) {
    const intent = mood === 'subjects' ? 'login' : 'keep'
    return { ...plain, at, process, intent, effects: planEffects(prng) }
  }
  const intent = planIntent(prng, mood)
  const writes = intent === 'login' || prng.chance(0.8)
  // Only a login without a cookie makes one session more.
  const isElsewhere = prng.chance(intent === 'login' && limit < 100 ? 0.7 : 0.04)
  return {
    at,
    process,
    cookie: isElsewhere
      ? 'none'
      : prng.chance(mood === 'rotations' ? 0.3 : 0.15)
        ? 'old'
        : 'current',
    after: prng.chance(0.25) ? prng.below(at) : -1,
    writes,
    effects: writes ? planEffects(prng) : new Set(),
    intent,
    direct: planDirect(prng, mood),
    pauses: prng.below(3),
    large: prng.chance(0.03),
    isAnswerLost: prng.chance(0.06),
  }
}

const plain = {
  cookie: 'none',
  after: -1,
  writes: true,
  direct: null,
  pauses: 0,
  large: false,
  isAnswerLost: false,
} as const

function planIntent(prng: Prng, mood: Mood): RequestPlan['intent'] {
  if (prng.chance(0.02)) return 'discard'
  const renews = mood !== 'writers' && mood !== 'logouts'
  if (renews && prng.chance(0.25))
    return mood === 'subjects' && prng.chance(0.5) ? 'login' : 'renew'
  return mood !== 'writers' && mood !== 'renewals' && prng.chance(0.2) ? 'destroy' : 'keep'
}

function planDirect(prng: Prng, mood: Mood): RequestPlan['direct'] {
  if (mood === 'subjects') return prng.chance(0.2) ? 'revoke' : null
  return mood !== 'writers' && prng.chance(0.05) ? 'destroy' : null
}

function planEffects(prng: Prng): ReadonlySet<Effect> {
  return new Set(effects.filter(() => prng.chance(0.3)))
}

function planChaos(prng: Prng, mood: Mood): Chaos[] {
  const ages: Chaos[] = mood === 'rotations' || mood === 'subjects' ? ['age'] : []
  if (prng.chance(0.6)) return ages
  const count = 1 + prng.below(2)
  const others = Array.from({ length: count }, () =>
    prng.pick(['skip', 'skip', 'skip', 'age', 'expire', 'evict', 'flush', 'restart'] as const),
  )
  return [...ages, ...others]
}

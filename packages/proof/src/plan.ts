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
type Mood =
  | 'writers'
  | 'renewals'
  | 'logouts'
  | 'everything'
  | 'rotations'
  | 'subjects'
  // One request after the other, under old tokens: what a forward tells.
  | 'followers'
  // Sign-ins that are held up beside renewals and sign-outs.
  | 'sign-ins'
  // One sign-in or renewal after the other, by more browsers than a subject may have.
  | 'limits'

/** In these the first request signs in. */
const signedIn: readonly Mood[] = ['subjects', 'limits']

/** In these most requests follow one another. */
const calm: readonly Mood[] = ['followers', 'limits']

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
  /** The token of the first request is due when the others begin. */
  readonly isDue: boolean
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
  'followers',
  'sign-ins',
  'limits',
]

/** Makes up a run. Request 0 makes the session that most of the others are about. */
export function createPlan(prng: Prng): Plan {
  const processes = 1 + prng.below(3)
  const count = prng.chance(0.8) ? 3 + prng.below(2) : 5 + prng.below(maxRequests - 4)
  const mood = prng.pick(moods)
  const limit = mood === 'limits' ? 1 + prng.below(2) : 100
  const failing = prng.chance(calm.includes(mood) ? 0.9 : 0.5) ? 0 : prng.pick([0.03, 0.1, 0.25])
  return {
    processes,
    requests: Array.from({ length: count }, (_, at) =>
      planRequest(prng, at, { processes, mood, limit }),
    ),
    chaos: planChaos(prng, mood),
    failing,
    taken: prng.chance(0.9) ? 0 : 0.3,
    rotates:
      mood === 'rotations' || mood === 'followers' || (mood === 'subjects' && prng.chance(0.5)),
    sealed: failing === 0 && prng.chance(0.05),
    isDue: mood === 'followers' || (mood === 'rotations' && prng.chance(0.5)),
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
    const intent = signedIn.includes(mood) ? 'login' : 'keep'
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
      : prng.chance(calm.includes(mood) ? 0.5 : 0.15)
        ? 'old'
        : 'current',
    after: planAfter(prng, at, mood),
    writes,
    effects: writes ? planEffects(prng) : new Set(),
    intent,
    direct: planDirect(prng, mood),
    pauses: prng.below(mood === 'sign-ins' && intent === 'login' ? 12 : 3),
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

function planAfter(prng: Prng, at: number, mood: Mood): number {
  if (calm.includes(mood) && prng.chance(mood === 'limits' ? 0.8 : 0.5)) return at - 1
  return prng.chance(0.25) ? prng.below(at) : -1
}

function planIntent(prng: Prng, mood: Mood): RequestPlan['intent'] {
  if (prng.chance(0.02)) return 'discard'
  if (mood === 'followers') return prng.chance(0.25) ? 'renew' : 'keep'
  if (mood === 'limits') return prng.pick(['login', 'login', 'renew', 'keep'])
  if (mood === 'sign-ins') return prng.pick(['login', 'login', 'renew', 'destroy', 'keep'])
  const renews = mood !== 'writers' && mood !== 'logouts'
  if (renews && prng.chance(0.25))
    return mood === 'subjects' && prng.chance(0.5) ? 'login' : 'renew'
  return mood !== 'writers' && mood !== 'renewals' && prng.chance(0.2) ? 'destroy' : 'keep'
}

function planDirect(prng: Prng, mood: Mood): RequestPlan['direct'] {
  if (calm.includes(mood)) return null
  if (mood === 'subjects') return prng.chance(0.2) ? 'revoke' : null
  return mood !== 'writers' && prng.chance(0.05) ? 'destroy' : null
}

function planEffects(prng: Prng): ReadonlySet<Effect> {
  return new Set(effects.filter(() => prng.chance(0.3)))
}

function planChaos(prng: Prng, mood: Mood): Chaos[] {
  if (calm.includes(mood) && prng.chance(0.8)) return []
  const ages: Chaos[] = mood === 'rotations' || mood === 'subjects' ? ['age'] : []
  if (prng.chance(0.6)) return ages
  const count = 1 + prng.below(2)
  const others = Array.from({ length: count }, () =>
    prng.pick(['skip', 'skip', 'skip', 'age', 'expire', 'evict', 'flush', 'restart'] as const),
  )
  return [...ages, ...others]
}

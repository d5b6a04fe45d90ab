import type { Prng } from './prng.ts'
import type { ModelSchema } from './model-schema.ts'
import { planSchema } from './model-schema.ts'
import { maxRequests } from './plan.ts'
import type { AnswerKind, Chaos, Effect, Plan, RequestPlan, Secrets } from './plan.ts'

/** The main topic of a run. */
type Mood =
  | 'writers'
  | 'renewals'
  | 'logouts'
  // Sign-outs during an outage, and requests after them.
  | 'lost sign-outs'
  | 'everything'
  | 'rotations'
  | 'subjects'
  // Requests one after another under old tokens, to test what a forward returns.
  | 'followers'
  // Sign-ins that are delayed alongside renewals and sign-outs.
  | 'sign-ins'
  // Sign-ins or renewals one after another, by more browsers than a subject may have sessions.
  | 'limits'

/** Moods in which the first request signs in. */
const signedIn: readonly Mood[] = ['subjects', 'limits']

/** Moods in which most requests run one after another. */
const calm: readonly Mood[] = ['followers', 'limits']

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

/** The steps of deploying a new secret. The last entry is not the documented order. */
const deployments: readonly (readonly Secrets[])[] = [
  ['old', 'both'],
  ['both', 'new'],
  ['old', 'new'],
]

const moods: readonly Mood[] = [
  'writers',
  'renewals',
  'logouts',
  'lost sign-outs',
  'everything',
  'rotations',
  'subjects',
  'followers',
  'sign-ins',
  'limits',
]

/** Creates a plan. Request 0 creates the session that most other requests use. */
export function createPlan(prng: Prng): Plan {
  const processes = 1 + prng.below(3)
  const mood = prng.pick(moods)
  const isSmall = prng.chance(mood === 'writers' ? 0.4 : 0.8)
  const count = isSmall ? 3 + prng.below(2) : 5 + prng.below(maxRequests - 4)
  const limit = mood === 'limits' ? 1 + prng.below(2) : 100
  const failing = planFailing(prng, mood)
  const isIdle = mood === 'limits' && prng.chance(0.3)
  const hasStrangers = prng.chance(0.25)
  const sealed = prng.chance(0.06)
  const secrets = planSecrets(prng, processes, sealed && limit >= 100)
  const schema = prng.chance(0.15) ? planSchema(prng) : null
  return {
    order: prng.chance(mood === 'writers' ? 0.25 : 0.04) ? 'time' : prng.pick(['any', 'latency']),
    processes,
    requests: Array.from({ length: count }, (_, at) =>
      planRequest(prng, at, { processes, mood, limit, isIdle, hasStrangers, schema }),
    ),
    chaos: planChaos(prng, mood),
    failing,
    isSetUpWrongly: failing > 0 && prng.chance(mood === 'lost sign-outs' ? 0.5 : 0.1),
    taken: prng.chance(0.9) ? 0 : 0.3,
    rotates:
      mood === 'rotations' || mood === 'followers' || (mood === 'subjects' && prng.chance(0.5)),
    sealed,
    secrets,
    schema,
    explains: prng.chance(0.2),
    isDue: mood === 'followers' || (mood === 'rotations' && prng.chance(0.5)),
    limit,
  }
}

/** The same plan; in every third one, half of the requests use the former cookie. */
export function withFormerCookies(plan: Plan, prng: Prng): Plan {
  if (!prng.chance(0.33)) return plan
  const requests = plan.requests.map((each) => ({ ...each, isFormer: prng.chance(0.5) }))
  return { ...plan, requests }
}

/**
 * The same plan; in every third one, half of the renewals and sign-ins are slow sign-ins without a subject. So are half
 * of the changes beside a revocation.
 */
export function withoutSubjects(plan: Plan, prng: Prng): Plan {
  if (!prng.chance(0.33)) return plan
  const [first, ...others] = plan.requests as readonly [RequestPlan, ...RequestPlan[]]
  const isRevoked = others.some(({ direct }) => direct === 'revoke')
  const isChosen = ({ intent, writes }: RequestPlan): boolean =>
    intent === 'login' || (writes && (intent === 'renew' || (isRevoked && intent === 'keep')))
  const requests = others.map((each): RequestPlan => {
    if (each.direct !== null || !isChosen(each) || prng.chance(0.5)) return each
    return { ...each, intent: 'login', hasSubject: false, pauses: prng.below(12) }
  })
  return { ...plan, requests: [first, ...requests] }
}

function planFailing(prng: Prng, mood: Mood): number {
  if (mood === 'lost sign-outs') return prng.pick([0.25, 0.5])
  return prng.chance(calm.includes(mood) ? 0.9 : 0.5) ? 0 : prng.pick([0.03, 0.1, 0.25])
}

function planSecrets(prng: Prng, processes: number, isDeploying: boolean): readonly Secrets[] {
  if (!isDeploying || prng.chance(0.3)) return Array.from({ length: processes }, () => 'new')
  const kinds = prng.pick(deployments)
  return Array.from({ length: processes }, () => prng.pick(kinds))
}

interface Theme {
  readonly processes: number
  readonly mood: Mood
  readonly limit: number
  readonly isIdle: boolean
  readonly hasStrangers: boolean
  readonly schema: ModelSchema | null
}

function planRequest(prng: Prng, at: number, theme: Theme): RequestPlan {
  const { processes, mood, limit, isIdle, hasStrangers, schema } = theme
  const process = prng.below(processes)
  if (at === 0) {
    const intent = signedIn.includes(mood) ? 'login' : 'keep'
    return { ...plain, at, process, intent, effects: planEffects(prng, null) }
  }
  const intent = planIntent(prng, mood)
  const writes = intent === 'login' || prng.chance(0.8)
  // Only a login without a cookie creates another session.
  const isElsewhere = prng.chance(intent === 'login' && limit < 100 ? 0.7 : 0.04)
  const direct = planDirect(prng, mood)
  return {
    at,
    process,
    isFormer: false,
    visitor: hasStrangers && prng.chance(0.4) ? 1 : 0,
    cookie: isElsewhere
      ? 'none'
      : prng.chance(calm.includes(mood) ? 0.5 : 0.15)
        ? 'old'
        : 'current',
    after: planAfter(prng, at, mood),
    writes,
    effects: writes ? planEffects(prng, schema) : new Set(),
    intent,
    hasSubject: true,
    direct,
    isIdle: isIdle && prng.chance(0.8),
    pauses: prng.below(mood === 'sign-ins' && intent === 'login' ? 12 : 3),
    large: prng.chance(0.03),
    isAnswerLost: prng.chance(0.06),
    answer: direct === null ? planAnswer(prng, intent) : 'plain',
  }
}

const plain = {
  isFormer: false,
  hasSubject: true,
  visitor: 0,
  answer: 'plain',
  isIdle: false,
  cookie: 'none',
  after: -1,
  writes: true,
  direct: null,
  pauses: 0,
  large: false,
  isAnswerLost: false,
} as const

function planAfter(prng: Prng, at: number, mood: Mood): number {
  if (mood === 'lost sign-outs' && prng.chance(0.4)) return at - 1
  if (calm.includes(mood) && prng.chance(mood === 'limits' ? 0.8 : 0.5)) return at - 1
  return prng.chance(0.25) ? prng.below(at) : -1
}

function planIntent(prng: Prng, mood: Mood): RequestPlan['intent'] {
  if (prng.chance(0.02)) return 'discard'
  if (mood === 'followers') return prng.chance(0.25) ? 'renew' : 'keep'
  if (mood === 'lost sign-outs') return prng.pick(['destroy', 'destroy', 'keep', 'renew'])
  if (mood === 'limits') return prng.pick(['login', 'login', 'renew', 'keep'])
  if (mood === 'sign-ins') return prng.pick(['login', 'login', 'renew', 'destroy', 'keep'])
  const renews = mood !== 'writers' && mood !== 'logouts'
  if (renews && prng.chance(0.25))
    return mood === 'subjects' && prng.chance(0.5) ? 'login' : 'renew'
  return mood !== 'writers' && mood !== 'renewals' && prng.chance(0.2) ? 'destroy' : 'keep'
}

function planDirect(prng: Prng, mood: Mood): RequestPlan['direct'] {
  if (calm.includes(mood)) return null
  if (mood === 'subjects') return prng.chance(0.3) ? 'revoke' : null
  return mood !== 'writers' && prng.chance(0.05) ? 'destroy' : null
}

/** An unusable response drops the handler's changes, like `discard`. */
function planAnswer(prng: Prng, intent: RequestPlan['intent']): AnswerKind {
  const isEnd = intent === 'discard' || intent === 'destroy'
  if (isEnd && prng.chance(intent === 'discard' ? 0.5 : 0.1)) return 'unusable'
  return prng.pick(['plain', 'plain', 'fixed', 'thrown'])
}

function planEffects(prng: Prng, schema: ModelSchema | null): ReadonlySet<Effect> {
  const chosen = new Set(effects.filter(() => prng.chance(0.3)))
  if (schema?.refuses && prng.chance(0.2)) chosen.add('refused')
  if (schema?.refuses && prng.chance(0.6)) chosen.add('crowd')
  return chosen
}

function planChaos(prng: Prng, mood: Mood): Chaos[] {
  if (mood === 'writers' && prng.chance(0.3)) return Array.from({ length: 5 }, () => 'stall')
  if (calm.includes(mood) && prng.chance(0.8)) return []
  const ages: Chaos[] = mood === 'rotations' || mood === 'subjects' ? ['age'] : []
  if (prng.chance(0.6)) return ages
  const count = 1 + prng.below(2)
  const others = Array.from({ length: count }, () =>
    prng.pick(['stall', 'stall', 'stall', 'age', 'expire', 'evict', 'flush', 'restart'] as const),
  )
  return [...ages, ...others]
}

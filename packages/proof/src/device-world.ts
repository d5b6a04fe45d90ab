import { createSessions } from '@coatcheck/core'
import type { Sessions } from '@coatcheck/core'
import { deviceBound } from '@coatcheck/core/device-bound'
import { boundCookie, DeviceBrowser } from './device-browser.ts'
import { createFakeMemcached, memcachedSemantics } from './fake-memcached.ts'
import { createForeignRecord } from './foreign-record.ts'
import { createPrng } from './prng.ts'
import type { Prng } from './prng.ts'
import { createSchedule } from './schedule.ts'
import type { Schedule } from './schedule.ts'

type Action =
  | 'visit'
  | 'refresh'
  | 'lost refresh'
  | 'renew'
  | 'time'
  | 'steal'
  | 'thief visits'
  | 'thief refreshes'
  | 'thief replays'
  | 'thief registers'
  | 'thief asks'

const actions: readonly Action[] = [
  'visit',
  'visit',
  'refresh',
  'refresh',
  'lost refresh',
  'time',
  'steal',
  'thief visits',
  'thief visits',
  'thief refreshes',
  'thief replays',
  'thief registers',
  'thief asks',
]

interface World {
  readonly prng: Prng
  readonly schedule: Schedule
  readonly processes: readonly Sessions<object>[]
  readonly honest: DeviceBrowser
  readonly thief: DeviceBrowser
  /** How far the second process's clock is ahead, in milliseconds. */
  readonly skew: number
  /** How far the clock may jump. A request that takes longer than a renewal's mark lives loses the session. */
  readonly jumps: readonly number[]
  /** How often each challenge has yielded a bound cookie. */
  readonly given: Map<string, number>
}

/**
 * One honest browser and one thief with copies of its cookies, two processes, one memcached, in the mode `require`.
 * Throws if a law is broken; returns what the requests saw.
 */
export async function runDeviceWorld(seed: number): Promise<readonly string[]> {
  const prng = createPrng(seed)
  const schedule = createSchedule(prng, () => {}, prng.pick(['any', 'latency', 'time'] as const))
  const moves = prng.pick(['none', 'none', 'rotate', 'renew'] as const)
  const mayFail = moves === 'none'
  // More than the clocks of two servers should differ: a proof accepted by one may be worthless at the other.
  const skew = moves === 'none' ? prng.pick([0, 0, 40_000]) : 0
  let failing = 0
  const memcached = createFakeMemcached({
    prng,
    schedule,
    semantics: memcachedSemantics,
    failing: () => failing,
    isSetUpWrongly: false,
    foreignRecord: await createForeignRecord(),
    taken: 0,
  })
  const connect = (ahead: number): Sessions<object> =>
    createSessions({
      store: memcached.connect(),
      secrets: ['a secret that only the proof uses'],
      deviceBound: deviceBound({ mode: 'require', lifetime: 60 }),
      ...(moves === 'rotate' ? { lifetime: { rotate: 60 } } : {}),
      onEvent() {},
      testing: {
        now: () => schedule.now() + ahead,
        random: (bytes) => prng.fill(bytes),
        wait: (milliseconds) => schedule.point('waited', milliseconds),
      },
    }) as Sessions<object>
  const world: World = {
    prng,
    schedule,
    processes: [connect(0), connect(skew)],
    honest: new DeviceBrowser(),
    thief: new DeviceBrowser(),
    skew,
    jumps: moves === 'renew' ? [1000] : [1000, 10_000, 61_000],
    given: new Map(),
  }
  const { honest } = world
  const seen: string[] = []
  const act = async (work: Promise<unknown>): Promise<void> => {
    const done = work.then((said) => void (typeof said === 'string' && seen.push(said)))
    await schedule.run()
    await done
  }
  await act(honest.visit(anyOf(world), (session) => session.signIn('ada')))
  if (mayFail) failing = prng.pick([0, 0.1, 0.3])
  await act(honest.register(anyOf(world), prng.chance(0.2)))
  if (prng.chance(0.7)) await act(refresh(world, false))
  const plan = Array.from({ length: 4 + prng.below(8) }, () => prng.pick(actions))
  if (moves === 'renew') plan.push('renew')
  await act(Promise.all(plan.map((action, at) => perform(world, action, at, seen))))
  failing = 0
  if (honest.tie !== null) await act(refresh(world, false))
  // No request signs out, so a bound session stays bound.
  const isBound = honest.tie !== null || honest.cookies.has(boundCookie)
  const isIn = (said: string): boolean =>
    isBound ? said === 'live bound' : said.startsWith('live')
  let end = await lastVisit(world, act, seen)
  // The cookie is younger than its `Max-Age`, but has expired for the process whose clock is ahead, which deletes it.
  if (skew > 0 && !isIn(end)) end = await lastVisit(world, act, seen)
  if (!isIn(end)) throw new Error(`the honest browser is locked out: ${end}`)
  const twice = [...world.given.values()].find((count) => count > 1)
  if (twice !== undefined) throw new Error('one challenge has given two bound cookies')
  return seen
}

/** Like Chromium: proves its key before a visit if the bound cookie is missing. */
async function lastVisit(
  world: World,
  act: (work: Promise<unknown>) => Promise<void>,
  seen: string[],
): Promise<string> {
  const { honest, schedule, skew } = world
  if (skew > 0) schedule.stall(30_000)
  if (honest.tie !== null && !honest.cookies.has(boundCookie)) await act(refresh(world, false))
  const process = skew > 0 ? world.processes[1] : anyOf(world)
  let said = ''
  await act(honest.visit(process as Sessions<object>, () => {}).then((end) => void (said = end)))
  seen.push(`end: ${said}`)
  return said
}

function anyOf({ prng, processes }: World): Sessions<object> {
  return prng.pick(processes)
}

async function refresh(world: World, isLost: boolean): Promise<string> {
  const { honest } = world
  const response = await honest.refresh(anyOf(world), isLost)
  const challenge = response === null ? undefined : honest.challengeOf.get(response)
  if (response !== null && challenge !== undefined) note(world, challenge, response)
  return `refresh ${response?.status ?? 'none'}`
}

function note({ given }: World, challenge: string, { headers }: Response): void {
  const isGiven = headers.getSetCookie().some((line) => line.startsWith(`${boundCookie}=`))
  if (isGiven) given.set(challenge, (given.get(challenge) ?? 0) + 1)
}

async function perform(world: World, action: Action, at: number, seen: string[]): Promise<void> {
  const { schedule, prng, honest, thief } = world
  await schedule.point(`action ${at} ${action}`, prng.below(20_000))
  switch (action) {
    case 'visit':
      seen.push(await honest.visit(anyOf(world), ({ data }) => Object.assign(data, { [at]: at })))
      return
    case 'renew':
      await honest.visit(anyOf(world), (session) => session.renew())
      return
    case 'refresh':
    case 'lost refresh':
      seen.push(await refresh(world, action === 'lost refresh'))
      return
    case 'time':
      return schedule.stall(prng.pick(world.jumps))
    case 'steal':
      return thief.copyFrom(honest)
    case 'thief visits':
      return visitAsThief(world, seen)
    case 'thief refreshes':
      return refuse(await thief.refresh(anyOf(world), false))
    case 'thief asks':
      return refuse(await thief.replay(anyOf(world), null))
    case 'thief replays': {
      const used = honest.proofs.filter((proof) => world.given.has(challengeIn(proof)))
      if (used.length > 0) refuse(await thief.replay(anyOf(world), prng.pick(used)))
      return
    }
    case 'thief registers':
      return refuse(await thief.register(anyOf(world), true))
  }
}

async function visitAsThief(world: World, seen: string[]): Promise<void> {
  const { schedule, honest, thief } = world
  const isBound = honest.cookies.has(boundCookie)
  const isOver = thief.provenUntil <= schedule.now()
  const said = await thief.visit(anyOf(world), () => {}, true)
  seen.push(`thief: ${said}`)
  if (isBound && isOver && said.startsWith('live'))
    throw new Error('a stolen cookie works without a proof')
}

function refuse(response: Response | null): void {
  const isGiven = response?.headers
    .getSetCookie()
    .some((line) => line.startsWith(`${boundCookie}=`))
  if (isGiven === true) throw new Error('a thief got a fresh bound cookie')
}

function challengeIn(proof: string): string {
  const claims = Buffer.from(proof.split('.')[1] as string, 'base64url').toString()
  return (JSON.parse(claims) as { jti: string }).jti
}

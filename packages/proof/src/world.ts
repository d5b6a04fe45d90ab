import type { Sessions } from '@coatcheck/core'
import type { Data } from './data.ts'
import { createFakeMemcached } from './fake-memcached.ts'
import type { Semantics } from './fake-memcached.ts'
import { createForeignRecord } from './foreign-record.ts'
import type { Chaos, RequestPlan } from './plan.ts'
import { createPlan, withFormerCookies, withoutSubjects } from './create-plan.ts'
import { subject } from './plan.ts'
import { createPrng } from './prng.ts'
import { connect } from './processes.ts'
import { start } from './requests.ts'
import { cookieName } from './run.ts'
import type { Run, World } from './run.ts'
import { createSchedule } from './schedule.ts'
import { createSharedAnswers } from './shared-answers.ts'

/** Performs the run of a seed: one or two browsers, some processes, one memcached. */
export async function runWorld(
  seed: number,
  semantics: Semantics,
  trace: (line: string) => void,
): Promise<Run> {
  const prng = createPrng(seed)
  // Separate random sequences, so that a seed gives the same run apart from the cookies and subjects.
  const former = withFormerCookies(createPlan(prng), createPrng(~seed))
  const plan = withoutSubjects(former, createPrng(seed ^ 0x5bd1e995))
  const schedule = createSchedule(prng, trace, plan.order)
  let failing = 0
  const memcached = createFakeMemcached({
    prng,
    schedule,
    semantics,
    failing: () => failing,
    isSetUpWrongly: plan.isSetUpWrongly,
    foreignRecord: await createForeignRecord(),
    taken: plan.taken,
  })
  const world: World = {
    prng,
    plan,
    schedule,
    memcached,
    processes: [],
    browsers: [
      { current: null, had: [] },
      { current: null, had: [] },
    ],
    tokens: new Map(),
    candidates: [],
    requests: [],
    ended: [],
    alive: new Set(),
    listed: null,
    shared: createSharedAnswers(),
    events: [],
  }
  for (let at = 0; at < plan.processes; at++) world.processes.push(connect(world, at))
  const [first, ...others] = plan.requests
  start(world, first as RequestPlan)
  await schedule.run()
  if (plan.isDue) schedule.stall(61_000)
  failing = plan.failing
  for (const request of others) start(world, request)
  for (const chaos of plan.chaos) schedule.add(chaos, () => strike(world, chaos))
  await schedule.run()
  failing = 0
  if (plan.requests.some(({ intent }) => intent === 'login')) await findAlive(world)
  return world
}

/** Opens every issued token, without changing anything. */
async function findAlive(world: World): Promise<void> {
  const { plan, processes, tokens, alive, schedule } = world
  const knowing = processes[plan.secrets.findIndex((secrets) => secrets !== 'old')]
  const sessions = knowing ?? (processes[0] as Sessions<Data>)
  void sessions.list(subject).then(({ length }) => (world.listed = length))
  for (const [id, token] of tokens) {
    void sessions.open(`${cookieName}=${token}`, { touch: false }).then(({ session }) => {
      if (session.state === 'live' && session.id === id) alive.add(id)
    })
  }
  await schedule.run()
}

function strike({ prng, memcached, schedule }: World, chaos: Chaos): void {
  switch (chaos) {
    case 'stall':
      return schedule.stall(1100)
    case 'age':
      return schedule.stall(61_000)
    case 'expire':
      return schedule.stall(prng.pick([1_800_000, 3_600_000, 3_700_000, 86_400_000]))
    case 'evict': {
      const live = memcached.live()
      return live.length > 0 ? memcached.evict(prng.pick(live)) : undefined
    }
    case 'flush':
      return memcached.flush()
    case 'restart':
      return memcached.restart()
  }
}

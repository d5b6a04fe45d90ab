import { createSessions } from '@coatcheck/core'
import type { SessionEvent, Sessions } from '@coatcheck/core'
import type { Data } from './data.ts'
import { maxBytes, merge } from './data.ts'
import { createSchema } from './model-schema.ts'
import type { Secrets } from './plan.ts'
import type { World } from './run.ts'
import { formerName } from './run.ts'

const oldSecret = 'a secret that only the proof uses'

const newSecret = 'the secret that comes after that one'

/** The secrets for each `Secrets` value, newest first. */
export const secretsOf: Readonly<Record<Secrets, readonly string[]>> = {
  old: [oldSecret],
  both: [oldSecret, newSecret],
  new: [newSecret, oldSecret],
}

/** One process of the application. */
export function connect(world: World, at: number): Sessions<Data> {
  const { plan, prng, schedule, memcached, candidates } = world
  const { schema, sealed, secrets, rotates } = plan
  const later = (): Promise<void> => schedule.point('schema')
  return createSessions<Data>({
    store: { ...memcached.connect(), inProcess: !sealed },
    secrets: secretsOf[secrets[at] as Secrets],
    cookie: { former: [{ name: formerName }] },
    merge,
    maxBytes,
    explain: plan.explains,
    ...(rotates ? { lifetime: { rotate: 60 } } : {}),
    ...(schema === null ? {} : { schema: createSchema(schema, later) }),
    sessionsPerSubject: plan.limit,
    onEvent: (event) => listen(world, at, event),
    testing: {
      now: schedule.now,
      random(bytes) {
        prng.fill(bytes)
        if (sealed && bytes.length === 32) candidates.push(Buffer.from(bytes).toString('base64url'))
      },
      wait: (milliseconds) => schedule.point('waited', milliseconds),
    },
  })
}

const brokenListener = new Error('the listener is broken')

/** A listener that throws in one process, and rejects in the next. */
function listen({ events, schedule }: World, at: number, event: SessionEvent): void {
  events.push({ step: schedule.step(), process: at, event })
  if (at % 2 === 0) throw brokenListener
  return Promise.reject(brokenListener) as unknown as void
}

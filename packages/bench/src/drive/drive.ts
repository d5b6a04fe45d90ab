import type { Site } from '../contenders/contender.ts'
import { shapeOf } from '../work.ts'
import type { Work } from '../work.ts'
import { takeCookies } from './jar.ts'

/** The visitors' cookies. */
export type Jars = (string | undefined)[]

/** Creates a session for each visitor, `inFlight` at a time. */
export async function makeVisitors(site: Site, count: number, inFlight: number): Promise<Jars> {
  const jars: Jars = []
  await inLanes(Math.min(inFlight, count), count, async (lane, index) => {
    const answer = await site.send(lane, 'create', undefined)
    if (answer.status !== 200) throw new Error(`create: ${answer.status} ${await answer.text()}`)
    jars[index] = takeCookies(undefined, answer.setCookies())
  })
  return jars
}

/**
 * Sends `total` requests, `inFlight` at a time. Visitors take turns, and none has two requests in flight. Throws unless
 * all are answered with 200.
 */
export async function drive(
  site: Site,
  work: Work,
  jars: Jars,
  total: number,
  inFlight: number,
): Promise<void> {
  const { route, hasSession } = shapeOf(work)
  const keepsCookies = hasSession && mayChangeCookies.has(work)
  const visitors = jars.length - (jars.length % inFlight)
  if (hasSession && visitors === 0) throw new Error('There are fewer visitors than lanes')
  await inLanes(inFlight, total, async (lane, index) => {
    const visitor = hasSession ? index % visitors : 0
    const cookie = hasSession ? jars[visitor] : undefined
    const answer = await site.send(lane, route, cookie)
    if (answer.status !== 200) throw new Error(`${work}: ${answer.status} ${await answer.text()}`)
    if (keepsCookies) jars[visitor] = takeCookies(cookie, answer.setCookies())
  })
}

/** Libraries that store the session in the cookie change it with every change. */
const mayChangeCookies: ReadonlySet<Work> = new Set<Work>(['change', 'sign-in', 'renew'])

/** Of `n` lanes, lane `l` does the steps l, l + n, l + 2n, … */
async function inLanes(
  lanes: number,
  total: number,
  step: (lane: number, index: number) => Promise<void>,
): Promise<void> {
  const run = async (lane: number) => {
    for (let index = lane; index < total; index += lanes) await step(lane, index)
  }
  await Promise.all(Array.from({ length: lanes }, (_, lane) => run(lane)))
}

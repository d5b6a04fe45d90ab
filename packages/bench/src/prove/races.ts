import type { Ports } from '../child.ts'
import { raw } from '../contenders/names.ts'
import type { Listed } from '../contenders/list.ts'
import type { Asked, Seen } from '../host.ts'
import { takeLast } from './visitor.ts'
import { startWorker } from '../worker.ts'
import type { Worker } from '../worker.ts'

/** The fate of changes and sign-outs that raced with other requests of the same session. */
export interface RaceFigure {
  readonly contender: string
  readonly processes: 1 | 2
  /** Changes answered with 200. */
  readonly confirmed: number
  /** Of these, those missing from the session afterwards. */
  readonly lost: number
  /** Sign-outs answered with 200 during another request of the session. */
  readonly signedOut: number
  /** Of these, sessions that work again after the other request has ended. */
  readonly revived: number
}

const writers = 50
const limit = 15_000

export async function race(
  contenders: readonly Listed[],
  ports: Ports,
  node: string,
  rounds: number,
): Promise<readonly RaceFigure[]> {
  const figures: RaceFigure[] = []
  for (const contender of contenders.filter(({ floor, name }) => floor !== null && name !== raw)) {
    for (const processes of contender.store === 'memory' ? ([1] as const) : ([1, 2] as const)) {
      const workers: Worker[] = []
      for (let count = 0; count < processes; count++) {
        const worker = await startWorker(contender, node)
        await worker.ask({ type: 'open', ports, patient: true })
        workers.push(worker)
      }
      const updates = { confirmed: 0, lost: 0 }
      for (let round = 0; round < rounds; round++) {
        const { confirmed, lost } = await loseUpdates(workers)
        updates.confirmed += confirmed
        updates.lost += lost
      }
      const ends = await reviveSignOuts(workers)
      figures.push({ contender: contender.name, processes, ...updates, ...ends })
      await Promise.all(workers.map((worker) => worker.end()))
    }
  }
  return figures
}

/** Fifty concurrent requests of one visitor, each of which adds a key. */
async function loseUpdates(workers: readonly Worker[]) {
  const [first] = workers as readonly [Worker]
  const [cookie = null] = await first.ask({ type: 'visitors', count: 1 })
  const asked = Array.from({ length: writers }, (_, index): Asked => ({
    route: 'add',
    query: `k=${index}`,
    cookie,
  }))
  const share = writers / workers.length
  const seen = await Promise.all(
    workers.map((worker, index) => {
      const own = asked.slice(index * share, (index + 1) * share)
      return worker.ask({ type: 'requests', asked: own, limit })
    }),
  )
  const answers = seen.flat()
  const confirmed = answers.filter(({ status }) => status === 200).length
  const after: Asked = { route: 'keys', cookie: takeLast(cookie, answers) }
  const [keys] = await first.ask({ type: 'requests', asked: [after], limit })
  return { confirmed, lost: Math.max(0, confirmed - Number(keys!.text)) }
}

/** Fifty visitors sign out during another request of theirs, which then changes the session. */
async function reviveSignOuts(workers: readonly Worker[]) {
  const first = workers[0]!
  const other = workers.at(-1)!
  const cookies = await first.ask({ type: 'visitors', count: writers })
  const all = (route: Asked['route'], jars: readonly (string | null)[]): readonly Asked[] =>
    jars.map((cookie) => ({ route, cookie }))
  const slow = first.ask({ type: 'requests', asked: all('hold', cookies), limit })
  await first.ask({ type: 'held', count: writers })
  const outs = await other.ask({ type: 'requests', asked: all('sign-out', cookies), limit })
  await first.ask({ type: 'release' })
  const held = await slow
  const isOut = outs.map(({ status }) => status === 200)
  const alive = async (jars: readonly (string | null)[]): Promise<readonly Seen[]> =>
    first.ask({ type: 'requests', asked: all('read', jars), limit })
  const byOld = await alive(cookies)
  const byNew = await alive(held.map(({ cookie }) => cookie))
  return {
    signedOut: isOut.filter(Boolean).length,
    revived: isOut.filter(
      (out, index) => out && (byOld[index]!.status === 200 || byNew[index]!.status === 200),
    ).length,
  }
}

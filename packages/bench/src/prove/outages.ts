import type { Ports } from '../child.ts'
import type { Listed } from '../contenders/list.ts'
import type { Asked, Seen } from '../host.ts'
import type { LinkState } from '../servers/link.ts'
import { startWorker } from '../worker.ts'
import { raw } from '../contenders/names.ts'
import { isRemote, through } from './traffic.ts'

/** What a visitor experiences while the store cannot be reached. */
export interface OutageFigure {
  readonly contender: string
  readonly state: Exclude<LinkState, 'open'>
  readonly route: Asked['route']
  /** The first request, and the third in sequence. Status 0: no response within `outageLimit`. */
  readonly first: Pick<Seen, 'status' | 'milliseconds'>
  readonly third: Pick<Seen, 'status' | 'milliseconds'>
}

/** Milliseconds that a visitor waits. */
export const outageLimit = 5000

const routes = ['untouched', 'read', 'change', 'create', 'sign-in', 'sign-out'] as const

export async function breakStores(
  contenders: readonly Listed[],
  ports: Ports,
  node: string,
): Promise<readonly OutageFigure[]> {
  const figures: OutageFigure[] = []
  const wanted = contenders.filter(({ name }) => name !== raw).filter(isRemote)
  for (const contender of wanted) {
    for (const state of ['refused', 'silent'] as const) {
      // In parallel, each in its own process, because most of the time is waiting.
      const all = routes.map(async (route): Promise<OutageFigure> => {
        const seen = await attempt(contender, state, route, ports, node)
        return { contender: contender.name, state, route, ...seen }
      })
      figures.push(...(await Promise.all(all)))
    }
  }
  return figures
}

async function attempt(
  contender: Listed,
  state: Exclude<LinkState, 'open'>,
  route: Asked['route'],
  ports: Ports,
  node: string,
): Promise<Pick<OutageFigure, 'first' | 'third'>> {
  const worker = await startWorker(contender, node)
  try {
    return await through(contender, ports, async (link, far) => {
      await worker.ask({ type: 'open', ports: far, patient: false })
      const [cookie = null] = await worker.ask({ type: 'visitors', count: 1 })
      await link.turn(state)
      const asked: Asked = { route, cookie: route === 'create' ? null : cookie }
      const seen: Seen[] = []
      for (let count = 0; count < 3; count++) {
        seen.push(...(await worker.ask({ type: 'requests', asked: [asked], limit: outageLimit })))
      }
      const [first, , third] = seen.map(({ status, milliseconds }) => ({ status, milliseconds }))
      return { first: first!, third: third! }
    })
  } catch {
    const ended = { status: -1, milliseconds: 0 }
    return { first: ended, third: ended }
  } finally {
    await worker.end()
  }
}

import type { Ports } from '../child.ts'
import type { Listed } from '../contenders/list.ts'
import { openLink, trafficBetween } from '../servers/link.ts'
import type { Link, Traffic } from '../servers/link.ts'
import { allWork, shapeOf } from '../work.ts'
import type { Work } from '../work.ts'
import { startWorker } from '../worker.ts'
import type { Worker } from '../worker.ts'

/** The cost of one kind of request on the connection to the store. */
export interface TrafficFigure {
  readonly contender: string
  readonly work: Work
  /** Per request, with one in flight. */
  readonly commands: number
  readonly trips: number
  readonly sent: number
  readonly received: number
}

export interface ConnectionFigure {
  readonly contender: string
  /** Connections to one server after 640 requests, 64 in flight. */
  readonly connections: number
}

const requests = 40

/** Counts what each contender sends to its store. */
export async function countTraffic(
  contenders: readonly Listed[],
  ports: Ports,
  node: string,
  flush: () => Promise<void>,
): Promise<{
  readonly traffic: readonly TrafficFigure[]
  readonly connections: readonly ConnectionFigure[]
}> {
  const traffic: TrafficFigure[] = []
  const connections: ConnectionFigure[] = []
  for (const contender of contenders.filter(isRemote)) {
    const worker = await startWorker(contender, node)
    for (const work of allWork.filter((one) => !contender.without?.includes(one))) {
      await flush()
      const { commands, trips, sent, received } = await through(contender, ports, (link, far) =>
        count(worker, work, link, far),
      )
      const each = (value: number) => value / requests
      traffic.push({
        contender: contender.name,
        work,
        commands: each(commands),
        trips: each(trips),
        sent: each(sent),
        received: each(received),
      })
    }
    const opened = await through(contender, ports, async (link, far) => {
      await worker.ask({ type: 'open', ports: far, patient: true })
      await worker.ask({ type: 'visitors', count: 64 })
      await worker.ask({ type: 'drive', work: 'read', total: 640, inFlight: 64 })
      const seen = link.traffic()
      await worker.ask({ type: 'close' })
      return seen
    })
    connections.push({ contender: contender.name, connections: opened.connections })
    await worker.end()
  }
  return { traffic, connections }
}

export function isRemote({ store }: Listed): boolean {
  return store === 'memcached' || store === 'redis'
}

/** Runs a task whose contender reaches its store over a link. */
export async function through<result>(
  contender: Listed,
  ports: Ports,
  task: (link: Link, far: Ports) => Promise<result>,
  away = 0,
): Promise<result> {
  const store = contender.store === 'redis' ? 'redis' : 'memcached'
  const link = await openLink(ports[store], away)
  try {
    return await task(link, { ...ports, [store]: link.port })
  } finally {
    link.close()
  }
}

async function count(worker: Worker, work: Work, link: Link, far: Ports): Promise<Traffic> {
  await worker.ask({ type: 'open', ports: far, patient: true })
  await worker.ask({ type: 'visitors', count: requests })
  if (!shapeOf(work).once) await worker.ask({ type: 'drive', work, total: requests, inFlight: 1 })
  const before = link.traffic()
  await worker.ask({ type: 'drive', work, total: requests, inFlight: 1 })
  const seen = trafficBetween(before, link.traffic())
  await worker.ask({ type: 'close' })
  return seen
}

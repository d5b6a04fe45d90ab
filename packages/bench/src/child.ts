import { loadContender } from './contenders/list.ts'
import { Host } from './host.ts'
import type { Asked, Seen } from './host.ts'
import type { InUse } from './measure/allocation.ts'
import type { Sample, Timing } from './measure/measure.ts'
import type { Point, Work } from './work.ts'

/** The ports of the stores. */
export interface Ports {
  readonly memcached: number
  readonly redis: number
}

/** The tasks of a contender's process. `open` comes first, and again after `close`. */
export type Task =
  | { readonly type: 'open'; readonly ports: Ports; readonly patient: boolean }
  | { readonly type: 'verify' }
  | { readonly type: 'sample'; readonly point: Point; readonly timing: Timing }
  | { readonly type: 'allocation'; readonly point: Point }
  | { readonly type: 'visitors'; readonly count: number }
  | {
      readonly type: 'drive'
      readonly work: Work
      readonly total: number
      readonly inFlight: number
    }
  | { readonly type: 'requests'; readonly asked: readonly Asked[]; readonly limit: number }
  | { readonly type: 'held'; readonly count: number }
  | { readonly type: 'release' }
  | { readonly type: 'close' }

export interface Results {
  readonly open: null
  readonly verify: null
  readonly sample: Sample
  readonly allocation: InUse
  /** The visitors' cookies. */
  readonly visitors: readonly (string | null)[]
  readonly drive: null
  readonly requests: readonly Seen[]
  readonly held: null
  readonly release: null
  readonly close: null
}

export interface Message {
  readonly id: number
  readonly task: Task
}

export type Reply = { readonly id: number } & (
  { readonly result: Results[keyof Results] } | { readonly error: string }
)

const [file = '', name = ''] = process.argv.slice(2)
const contender = await loadContender(file, name)
let host: Host | undefined

async function carryOut(task: Task): Promise<Results[keyof Results]> {
  if (task.type === 'open') {
    host = await Host.open(contender, { ...task.ports, patient: task.patient })
    return null
  }
  if (host === undefined) throw new Error('The application is not open')
  switch (task.type) {
    case 'verify':
      return host.verify()
    case 'sample':
      return host.meter.sample(task.point, task.timing)
    case 'allocation':
      return host.meter.allocation(task.point)
    case 'visitors':
      return host.makeVisitors(task.count)
    case 'drive':
      return host.drive(task.work, task.total, task.inFlight)
    case 'requests':
      return host.requests(task.asked, task.limit)
    case 'held':
      return host.untilHeld(task.count)
    case 'release':
      return host.release()
    case 'close':
      return host.close()
  }
}

process.on('message', ({ id, task }: Message) => {
  const reply = (message: Reply) => void process.send!(message)
  carryOut(task).then(
    (result) => reply({ id, result }),
    (error: Error) => reply({ id, error: error.stack ?? error.message }),
  )
})
// Ends the process with the bench, whatever ends that.
process.on('disconnect', () => process.exit())
process.send!('ready')

import { loadContender } from './contenders/list.ts'
import { Host } from './host.ts'
import type { Asked, Seen } from './host.ts'
import type { InUse } from './measure/allocation.ts'
import { takeAllocation, takeSample } from './measure/measure.ts'
import type { Sample, Timing } from './measure/measure.ts'
import { verify } from './measure/verify.ts'
import { standardSize } from './work.ts'
import type { Point, Work } from './work.ts'

/** Where the stores are. */
export interface Ports {
  readonly memcached: number
  readonly redis: number
}

/** What a contender's process can be told to do: `sample` and such start the application anew, the rest use one. */
export type Task =
  | { readonly type: 'verify'; readonly ports: Ports }
  | {
      readonly type: 'sample'
      readonly point: Point
      readonly ports: Ports
      readonly timing: Timing
    }
  | { readonly type: 'allocation'; readonly point: Point; readonly ports: Ports }
  | { readonly type: 'open'; readonly ports: Ports; readonly patient: boolean }
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
  readonly verify: null
  readonly sample: Sample
  readonly allocation: InUse
  readonly open: null
  /** The cookies of the visitors. */
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
const host = new Host(contender)

async function carryOut(task: Task): Promise<Results[keyof Results]> {
  switch (task.type) {
    case 'verify':
      await verify(contender, {
        ...task.ports,
        size: standardSize,
        gate: async () => {},
        patient: true,
      })
      return null
    case 'sample':
      return takeSample(contender, task.point, task.ports, task.timing)
    case 'allocation':
      return takeAllocation(contender, task.point, task.ports)
    case 'open':
      return host.open(task.ports, task.patient)
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
// So it ends with the bench, whatever ends that.
process.on('disconnect', () => process.exit())
process.send!('ready')

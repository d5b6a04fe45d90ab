import { loadContender } from './contenders/list.ts'
import { takeAllocation, takeSample } from './measure/measure.ts'
import type { Sample, Timing } from './measure/measure.ts'
import type { InUse } from './measure/allocation.ts'
import { verify } from './measure/verify.ts'
import { standardSize } from './work.ts'
import type { Point } from './work.ts'

/** One contender, in a process of its own: does what it is told, one task after the other. */
export interface Ports {
  readonly memcached: number
  readonly redis: number
}

export type Task =
  | { readonly type: 'verify'; readonly ports: Ports }
  | {
      readonly type: 'sample'
      readonly point: Point
      readonly ports: Ports
      readonly timing: Timing
    }
  | { readonly type: 'allocation'; readonly point: Point; readonly ports: Ports }

export interface Results {
  readonly verify: null
  readonly sample: Sample
  readonly allocation: InUse
}

export type Reply = { readonly result: Results[keyof Results] } | { readonly error: string }

const [file = '', name = ''] = process.argv.slice(2)
const contender = await loadContender(file, name)

async function carryOut(task: Task): Promise<Results[keyof Results]> {
  switch (task.type) {
    case 'verify':
      await verify(contender, { ...task.ports, size: standardSize, gate: async () => {} })
      return null
    case 'sample':
      return takeSample(contender, task.point, task.ports, task.timing)
    case 'allocation':
      return takeAllocation(contender, task.point, task.ports)
  }
}

process.on('message', (task: Task) => {
  carryOut(task).then(
    (result) => process.send!({ result } satisfies Reply),
    (error: Error) => process.send!({ error: error.stack ?? error.message } satisfies Reply),
  )
})
// So it ends with the bench, whatever ends that.
process.on('disconnect', () => process.exit())
process.send!('ready')

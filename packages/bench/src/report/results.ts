import type { Interval } from '../measure/trend.ts'
import type { Listed } from '../contenders/list.ts'
import type { GrowthFigure } from '../growth/task.ts'
import type { Figure } from '../measure/rounds.ts'
import type { OutageFigure } from '../prove/outages.ts'
import type { RaceFigure } from '../prove/races.ts'
import type { ConnectionFigure, TrafficFigure } from '../prove/traffic.ts'

/** The results for one version of Node. Parts that were not run are empty. */
export interface Run {
  readonly node: string
  readonly figures: readonly Figure[]
  readonly traffic: readonly TrafficFigure[]
  readonly connections: readonly ConnectionFigure[]
  readonly races: readonly RaceFigure[]
  readonly outages: readonly OutageFigure[]
  readonly growth: readonly GrowthFigure[]
}

export interface Machine {
  readonly processor: string
  readonly cores: number
  readonly gigabytes: number
  readonly system: string
  /** Runnable processes in the last minute before the run, and in its last minute. */
  readonly load: readonly [number, number]
}

export type KnownContender = Pick<Listed, 'name' | 'store' | 'floor' | 'packages' | 'keepsId'>

/** All results of a run of the bench. */
export interface Results {
  readonly date: string
  readonly commit: string
  readonly command: string
  readonly machine: Machine
  /** Versions of the store servers, apart from those of packages: there is a package `memcached`, too. */
  readonly servers: Readonly<Record<string, string>>
  /** Versions of npm packages. */
  readonly packages: Readonly<Record<string, string>>
  readonly rounds: number
  readonly processes: number
  readonly sample: number
  readonly contenders: readonly KnownContender[]
  readonly runs: readonly Run[]
}

/** The parts of `soak.ts`'s output that pages use. */
export interface Soak {
  readonly date: string
  readonly commit: string
  readonly minutes: number
  readonly sessions: number
  /** Requests per second: the maximum, the target rate, and the rate reached. */
  readonly limit: number
  readonly rate: number
  readonly rateReached: number
  readonly failures: number
  readonly bytesPerHour: number
  /** Milliseconds from when a request was due to its response: the medians of the intervals' p50 and p99. */
  readonly p50: number
  readonly p99: number
  /** The p99 of the last quarter divided by that of the first. */
  readonly p99Drift: number
  readonly intervals: readonly Interval[]
}

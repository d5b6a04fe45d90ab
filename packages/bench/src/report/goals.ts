import { fastifyMemory, ours, raw } from '../contenders/names.ts'
import { Comparison } from './compare.ts'
import type { KnownContender, Run } from './results.ts'

/** One goal of issue 14, and a run's result for it. */
export interface Goal {
  readonly figure: string
  readonly work: string
  /** `×`, `µs` or `B`. */
  readonly unit: string
  /** The upper bound; null if the figure is only reported. */
  readonly bound: number | null
  /** Null if the run did not measure it. */
  readonly value: number | null
  readonly met: boolean | null
  /** The value divided by the bound; at most 1 if the goal is met. */
  readonly far: number | null
  /** What is compared. */
  readonly note: string
}

/** The table of goals for one run. */
export function goalsOf(
  { node, figures }: Run,
  contenders: readonly KnownContender[],
): readonly Goal[] {
  const all = new Comparison(figures, contenders)
  const remote = ['memcached', 'redis'] as const
  const bestRemote = (key: string) =>
    all.bestPeer(remote, key, (name) => all.value(name, key, 'wall'))
  const both = <result>(make: (work: 'read' | 'change') => result): readonly result[] =>
    (['read', 'change'] as const).map(make)

  const againstBest = (figure: string, name: string, bound: number) =>
    both((work) => {
      const key = `${work} @64`
      const best = bestRemote(key)
      const value = best === null ? null : all.ratio(name, best, key, 'wall')
      const least = best === null ? null : all.ratio(raw, best, key, 'wall')
      const note = `wall time; the best peer is ${best ?? 'unknown'}; the commands alone: ${times(least)}`
      return goal(figure, key, '×', bound, value, note)
    })

  const sealing = node.startsWith('v26.') ? 1.25 : 1.4
  return [
    ...againstBest('memcached, sealed, against the best peer', ours.sealed, 0.5),
    ...againstBest('memcached, unsealed, against the best peer', ours.unsealed, 0.33),
    ...both((work) => {
      const key = `${work} @64`
      const value = all.ratio(ours.sealed, ours.unsealed, key, 'wall')
      return goal('memcached, sealed against unsealed', key, '×', sealing, value, 'wall time')
    }),
    ...(
      [
        ['unsealed', ours.unsealed, 1.5],
        ['sealed', ours.sealed, 2],
      ] as const
    ).flatMap(([kind, name, bound]) =>
      both((work) => {
        const key = `${work} @1`
        const value = all.ratio(name, raw, key, 'wall')
        return goal(
          `alone, ${kind}, against the same commands`,
          key,
          '×',
          bound,
          value,
          'wall time',
        )
      }),
    ),
    ...both((work) => {
      const key = `${work} @64`
      const value = all.above(ours.memory, key, 'cpu')
      const bound = all.above(fastifyMemory, key, 'cpu')
      const best = all.bestPeer(['memory'], key, (name) => all.above(name, key, 'cpu'))
      const least = best === null ? null : all.above(best, key, 'cpu')
      const note =
        `processor time above the same server, against ${fastifyMemory}; ` +
        `the least of all is ${best ?? 'unknown'} with ${least?.toFixed(1) ?? '?'} µs`
      return goal('memory, against the best peer', key, 'µs', bound, value, note)
    }),
    ...both((work) => {
      const large = `${work}, 32 KB @64`
      const small = `${work} @64`
      const value = all.ratioAcross([ours.unsealed, large], [ours.unsealed, small], 'wall')
      const least = all.ratioAcross([raw, large], [raw, small], 'wall')
      const note = `wall time, one small key, 256 visitors, whose records the process keeps; the commands alone: ${times(least)}`
      return goal('32 KB against 200 B, unsealed', large, '×', 1.5, value, note)
    }),
    goal(
      'cookie sent, session not asked for',
      'unasked @64',
      'µs',
      1,
      all.above(ours.sealed, 'unasked @64', 'cpu'),
      'processor time above the same server without a session',
    ),
    ...both((work) => {
      const key = `${work} @64`
      const value = all.heapAbove(ours.sealed, key)
      return goal('bytes allocated, sealed', key, 'B', null, value, 'above the same server; stated')
    }),
  ]
}

const times = (ratio: number | null): string =>
  ratio === null ? 'not measured' : `${ratio.toFixed(2)} ×`

function goal(
  figure: string,
  work: string,
  unit: string,
  bound: number | null,
  value: number | null,
  note: string,
): Goal {
  const met = bound === null || value === null ? null : value <= bound
  const far = bound === null || value === null ? null : value / bound
  return { figure, work, unit, bound, value, met, far, note }
}

import { isOurs, raw } from '../contenders/names.ts'
import type { Sample } from '../measure/measure.ts'
import type { Figure } from '../measure/rounds.ts'
import { median, medianDifference, medianRatio } from '../measure/statistics.ts'
import { keyOf } from '../work.ts'
import type { KnownContender } from './results.ts'

export type Measure = keyof Sample

/** Looks up figures, and compares those of the same rounds. */
export class Comparison {
  readonly #figures: ReadonlyMap<string, Figure>
  readonly #contenders: ReadonlyMap<string, KnownContender>

  constructor(figures: readonly Figure[], contenders: readonly KnownContender[]) {
    this.#figures = new Map(
      figures.map((figure) => [`${figure.contender} ${keyOf(figure.point)}`, figure]),
    )
    this.#contenders = new Map(contenders.map((contender) => [contender.name, contender]))
  }

  /** `key`: from `keyOf`, such as `read @64`. */
  find(contender: string, key: string): Figure | null {
    return this.#figures.get(`${contender} ${key}`) ?? null
  }

  /** Microseconds per request. */
  value(contender: string, key: string, measure: Measure): number | null {
    const figure = this.find(contender, key)
    return figure && median(series(figure, measure))
  }

  /** Microseconds above the same server without sessions, compared per round. */
  above(contender: string, key: string, measure: Measure): number | null {
    const figure = this.find(contender, key)
    const floor = this.#floorOf(contender, key)
    return figure && floor && medianDifference(series(figure, measure), series(floor, measure))
  }

  /** Heap bytes above the same server without sessions. */
  heapAbove(contender: string, key: string): number | null {
    const figure = this.find(contender, key)
    const floor = this.#floorOf(contender, key)
    return figure && floor && figure.allocated.heap - floor.allocated.heap
  }

  /** The ratio to the other, compared per round. */
  ratio(contender: string, other: string, key: string, measure: Measure): number | null {
    return this.ratioAcross([contender, key], [other, key], measure)
  }

  ratioAcross(
    left: readonly [contender: string, key: string],
    right: readonly [contender: string, key: string],
    measure: Measure,
  ): number | null {
    const [one, other] = [this.find(...left), this.find(...right)]
    return one && other && medianRatio(series(one, measure), series(other, measure))
  }

  /** The best peer: not Coatcheck, raw commands, or a server without sessions. */
  bestPeer(
    stores: readonly KnownContender['store'][],
    key: string,
    valueOf: (contender: string) => number | null,
  ): string | null {
    const peers = [...this.#contenders.values()]
      .filter(({ name, store, floor }) => {
        const isPeer = floor !== null && name !== raw && !isOurs(name)
        return isPeer && stores.includes(store) && this.find(name, key) !== null
      })
      .flatMap(({ name }) => {
        const value = valueOf(name)
        return value === null ? [] : [{ name, value }]
      })
      .sort((left, right) => left.value - right.value)
    return peers[0]?.name ?? null
  }

  #floorOf(contender: string, key: string): Figure | null {
    const floor = this.#contenders.get(contender)?.floor
    return floor == null ? null : this.find(floor, key)
  }
}

function series(figure: Figure, measure: Measure): readonly number[] {
  return figure.samples.map((sample) => sample[measure])
}

import type { Counter, Histogram, Meter } from '@opentelemetry/api'

/** What is measured. The names, units and attributes are a public promise: the README has their table. */
export interface Instruments {
  readonly duration: Histogram
  readonly bytes: Histogram
  readonly commits: Counter
  readonly conflicts: Counter
  readonly events: Counter
}

/** Seconds: memcached answers within a millisecond, and its deadline is a quarter of a second. */
const seconds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1]

const sizes = [128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536, 262_144, 1_048_576]

export function createInstruments(meter: Meter): Instruments {
  return {
    duration: meter.createHistogram('coatcheck.store.duration', {
      description: 'How long one trip to the session store takes; the count is the number of trips',
      unit: 's',
      advice: { explicitBucketBoundaries: seconds },
    }),
    bytes: meter.createHistogram('coatcheck.store.record.size', {
      description: 'The size of the records that are read and written, as they are stored',
      unit: 'By',
      advice: { explicitBucketBoundaries: sizes },
    }),
    commits: meter.createCounter('coatcheck.commits', {
      description: 'Requests that ended, by what their commit did',
      unit: '{commit}',
    }),
    conflicts: meter.createCounter('coatcheck.conflicts', {
      description:
        'Writes that another request had overtaken, and that were merged and tried again',
      unit: '{conflict}',
    }),
    events: meter.createCounter('coatcheck.events', {
      description: 'Events of the sessions but for commits',
      unit: '{event}',
    }),
  }
}

import type { MemcachedStoreOptions } from '@coatcheck/memcached'
import { inspectServers } from '@coatcheck/memcached/inspect'
import type { ServerInspection } from '@coatcheck/memcached/inspect'
import { judgeLimits } from './checks/limits.ts'
import { judgeExposure } from './checks/exposure.ts'
import { judgeTogether } from './checks/together.ts'
import { judgeUse } from './checks/use.ts'
import type { Expected } from './expected.ts'
import { worstOf } from './finding.ts'
import type { Finding, Level } from './finding.ts'
import { median, numberIn } from './numbers.ts'
import { lookAround } from './surroundings.ts'
import type { Surroundings } from './surroundings.ts'

export interface DoctorOptions extends MemcachedStoreOptions {
  /** Bytes of a session, to estimate how many fit. Default: the mean of the stored records, or 1000. */
  readonly sessionBytes?: number
}

/** Facts of one server, for a dashboard. `null`: not known. */
export interface ServerFacts {
  readonly version: string | null
  readonly protocols: readonly string[]
  readonly tls: boolean
  readonly login: { readonly configured: boolean; readonly required: boolean }
  /** The median, in milliseconds. */
  readonly roundTrip: number | null
  /** Seconds that its clock is ahead of ours, within one. */
  readonly clockDifference: number | null
  /** In seconds. */
  readonly uptime: number | null
  readonly evictions: number | null
  readonly items: number | null
  /** Bytes of items, and the most it may have. */
  readonly bytes: number | null
  readonly limit: number | null
  readonly connections: number | null
  readonly maxConnections: number | null
}

export interface ServerDiagnosis {
  /** As it is listed: `host:port`, or the path of a unix socket. */
  readonly server: string
  /** The worst of the findings. */
  readonly level: Level
  readonly findings: readonly Finding[]
  readonly facts: ServerFacts
}

export interface Diagnosis {
  /** The version of this format. Later versions of the package can add members, findings and checks. */
  readonly format: 1
  readonly level: Level
  readonly servers: readonly ServerDiagnosis[]
  /** About several servers together. */
  readonly together: readonly Finding[]
}

/**
 * Checks every server of a store with these options: connects, writes and removes one record, reads the statistics,
 * and tries the port at other addresses of this host. A server that is down is a finding, not a rejection.
 * @throws {SessionError} `invalid-option`; rejects with a `StoreError` if `discovery` fails.
 */
export async function diagnose(options: DoctorOptions = {}): Promise<Diagnosis> {
  const { sessionBytes, ...store } = options
  const inspections = await inspectServers(store)
  const { maxBytes = 1_000_000 } = store
  const expected = { maxBytes, largestSession: store.maxBytes ?? 65_536, sessionBytes }
  const servers = await Promise.all(
    inspections.map(async (inspection) => {
      const around = await lookAround(inspection.endpoint)
      return diagnoseServer(inspection, around, expected)
    }),
  )
  const together = judgeTogether(inspections)
  const all = [...servers.flatMap(({ findings }) => findings), ...together]
  return { format: 1, level: worstOf(all), servers, together }
}

/** Pure: the same inspection gives the same diagnosis. */
export function diagnoseServer(
  inspection: ServerInspection,
  around: Surroundings,
  expected: Expected,
): ServerDiagnosis {
  const findings = [
    ...judgeUse(inspection),
    ...judgeLimits(inspection, expected),
    ...judgeExposure(inspection, around),
  ]
  return {
    server: inspection.server,
    level: worstOf(findings),
    findings,
    facts: factsOf(inspection),
  }
}

function factsOf(inspection: ServerInspection): ServerFacts {
  const { protocols, tls, login, stats, clockDifference, roundTrips } = inspection
  const read = (name: string): number | null => numberIn(stats?.general, name)
  return {
    version: stats?.general['version'] ?? null,
    protocols,
    tls,
    login,
    roundTrip: median(roundTrips),
    clockDifference,
    uptime: read('uptime'),
    evictions: read('evictions'),
    items: read('curr_items'),
    bytes: read('bytes'),
    limit: read('limit_maxbytes'),
    connections: read('curr_connections'),
    maxConnections: read('max_connections') ?? numberIn(stats?.settings, 'maxconns'),
  }
}

/** Facts that a primary reports; `null`: it does not report it. */
export interface ServerFacts {
  /** `host:port`. */
  readonly node: string
  readonly product: 'Valkey' | 'Redis'
  readonly version: string | null
  /** Bytes; 0: no limit. */
  readonly maxMemory: number | null
  /** The setting `maxmemory-policy`, such as `noeviction`. */
  readonly policy: string | null
  readonly persistence: 'none' | 'snapshots' | 'append-only' | null
  /** The number of connected replicas. */
  readonly replicas: number | null
  /** For a cluster: `cluster_state`, such as `ok`. */
  readonly clusterState: string | null
  /** For a cluster: whether it refuses all keys while one primary is down. */
  readonly needsAllSlots: boolean | null
}

/** Parses the replies to INFO, CONFIG GET save, CLUSTER INFO and CONFIG GET cluster-require-full-coverage. */
export function readFacts(
  node: string,
  info: string | null,
  save: string | null,
  cluster: string | null,
  coverage: string | null,
): ServerFacts {
  const field = (name: string, text = info): string | null =>
    new RegExp(`^${name}:([^\\r\\n]*)`, 'm').exec(text ?? '')?.[1] ?? null
  const valkey = field('valkey_version')
  return {
    node,
    product: valkey === null ? 'Redis' : 'Valkey',
    version: valkey ?? field('redis_version'),
    maxMemory: numberOf(field('maxmemory')),
    policy: field('maxmemory_policy'),
    persistence: persistenceOf(field('aof_enabled'), save),
    replicas: numberOf(field('connected_slaves')),
    clusterState: cluster === null ? null : clusterStateOf(field, cluster),
    needsAllSlots: cluster === null || coverage === null ? null : coverage.endsWith(' yes'),
  }
}

function numberOf(text: string | null): number | null {
  return text === null ? null : Number(text)
}

function persistenceOf(aof: string | null, save: string | null): ServerFacts['persistence'] {
  if (aof === '1') return 'append-only'
  if (aof === null || save === null) return null
  return /^save\s*$/.test(save) ? 'none' : 'snapshots'
}

function clusterStateOf(
  field: (name: string, text: string) => string | null,
  text: string,
): string | null {
  const slots = numberOf(field('cluster_slots_ok', text))
  const state = field('cluster_state', text)
  return state === 'ok' && slots !== null && slots < 16_384 ? `${slots} of 16384 slots` : state
}

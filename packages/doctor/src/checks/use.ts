import type { StoreError } from '@coatcheck/memcached'
import type { ServerInspection } from '@coatcheck/memcached/inspect'
import { found } from '../finding.ts'
import type { Finding } from '../finding.ts'
import { duration, median, milliseconds, numberIn } from '../numbers.ts'

/** Whether the store can use a server: reaching it, its version, its protocols, cas, clocks and time. */
export function judgeUse(inspection: ServerInspection): readonly Finding[] {
  return [
    judgeStore(inspection),
    ...judgeVersion(inspection),
    ...judgeProtocols(inspection),
    ...judgeCas(inspection),
    ...judgeRoundTrip(inspection),
    ...judgeClock(inspection),
    ...judgeUptime(inspection),
  ]
}

const remedies: Readonly<Record<string, string>> = {
  unavailable:
    'Start memcached there, or correct the address. If it runs, let this host through its firewall and its -l.',
  overloaded: 'Raise the connections of the server (-c) and its memory (-m).',
  auth: 'Set username and password: --username, with the password in MEMCACHE_PASSWORD, or user:password@ in the address.',
  config: 'Do what the message says, and start the application again.',
  'too-large': 'Raise the largest item (-I).',
  protocol:
    'Check what listens at this address, and what is between: it does not answer as memcached does.',
}

function remedyOf({ code, message }: StoreError): string | null {
  if (message.includes('TLS with the server failed')) {
    return 'Trust its certificate (--ca, or tls.ca), or give the name that is in it (--servername).'
  }
  return remedies[code] ?? null
}

function judgeStore({ error, server }: ServerInspection): Finding {
  if (error === null) {
    const what = 'The store can use it: a record was written, read, replaced and deleted.'
    return found('store', 'ok', what)
  }
  const prefix = `${server}: `
  const { message } = error
  const what = message.startsWith(prefix) ? message.slice(prefix.length) : message
  return found('store', 'fault', `${what}.`, remedyOf(error))
}

/** CVE-2026-47783 is mended in it. */
const advised = [1, 6, 42]
/** The first with get-and-touch in a protocol that the store speaks. */
const oldest = [1, 4, 8]

function judgeVersion({ stats, protocols }: ServerInspection): readonly Finding[] {
  const version = stats?.general['version']
  if (version === undefined) {
    if (protocols.length === 0) return []
    const what = 'It tells neither its version nor its statistics, as some services do not.'
    return [
      found('version', 'note', what, 'Read memory, connections and evictions at the service.'),
    ]
  }
  if (isBefore(version, oldest)) {
    return [
      found('version', 'fault', `memcached ${version} is too old.`, 'Install 1.6.42 or newer.'),
    ]
  }
  if (isBefore(version, advised)) {
    const what = `memcached ${version} works. Versions before 1.6.42 have known security faults.`
    return [found('version', 'note', what, 'Install 1.6.42 or newer when you can.')]
  }
  return [found('version', 'ok', `memcached ${version}.`)]
}

function isBefore(version: string, limit: readonly number[]): boolean {
  const parts = [...version.matchAll(/\d+/g)].map(([part]) => Number(part))
  for (const [index, part] of limit.entries()) {
    const own = parts[index] ?? 0
    if (own !== part) return own < part
  }
  return false
}

function judgeProtocols({ protocols }: ServerInspection): readonly Finding[] {
  if (protocols.length === 0) return []
  if (protocols.length === 2) return [found('protocols', 'ok', 'It speaks meta and binary.')]
  if (protocols[0] === 'meta') return [found('protocols', 'ok', 'It speaks meta, not binary.')]
  const what = 'It speaks binary, not meta. The binary protocol is deprecated.'
  return [found('protocols', 'note', what, 'Use memcached 1.6.18 or newer without -B binary.')]
}

function judgeCas({ stats, error }: ServerInspection): readonly Finding[] {
  const cas = stats?.settings['cas_enabled']
  if (cas === 'no') {
    const what =
      'It compares no versions (cas), so updates of sessions would be lost. The store refuses it.'
    return [found('cas', 'fault', what, 'Start memcached without -C.')]
  }
  if (error !== null) return []
  return [found('cas', 'ok', 'It compares versions (cas): a stale replace was refused.')]
}

/** Milliseconds from which a request feels it. */
const slow = 5
/** A tenth of the deadline of a command. */
const tooSlow = 25

function judgeRoundTrip({ roundTrips }: ServerInspection): readonly Finding[] {
  const middle = median(roundTrips)
  if (middle === null) return []
  const longest = milliseconds(Math.max(...roundTrips))
  const what = `A round trip takes ${milliseconds(middle)} (median of ${roundTrips.length}, longest ${longest}).`
  if (middle < slow) return [found('round trip', 'ok', what)]
  const cost = 'A request that changes its session makes two.'
  const todo =
    'Run memcached in the same zone as the application, or the doctor where the application runs.'
  const level = middle < tooSlow ? 'note' : 'warning'
  return [found('round trip', level, `${what} ${cost}`, todo)]
}

/** Seconds. The difference is known within one, and a request may end late. */
const sameTime = 3

function judgeClock({ clockDifference }: ServerInspection): readonly Finding[] {
  if (clockDifference === null) return []
  const seconds = Math.abs(clockDifference)
  if (seconds <= sameTime)
    return [found('clock', 'ok', 'Its clock agrees with the clock of this host.')]
  const direction = clockDifference > 0 ? 'ahead of' : 'behind'
  const what = `Its clock is ${duration(seconds)} ${direction} the clock of this host.`
  const why =
    'Sessions that live longer than 30 days end by its clock, and others by the clocks of the application.'
  return [found('clock', 'warning', `${what} ${why}`, 'Run NTP on both.')]
}

function judgeUptime({ stats }: ServerInspection): readonly Finding[] {
  const uptime = numberIn(stats?.general, 'uptime')
  if (uptime === null || uptime >= 3600) return []
  const what = `It started ${duration(uptime)} ago. A restart ends every session on it.`
  return [found('uptime', 'note', what)]
}

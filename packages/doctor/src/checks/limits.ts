import type { ServerInspection } from '@coatcheck/memcached/inspect'
import type { Expected } from '../expected.ts'
import { found } from '../finding.ts'
import type { Finding } from '../finding.ts'
import { bytesText, duration, grouped, meanBytes, numberIn, sessionsThatFit } from '../numbers.ts'

/** Whether a server is large enough: items, connections, memory, evictions. */
export function judgeLimits(inspection: ServerInspection, expected: Expected): readonly Finding[] {
  return [
    ...judgeItemSize(inspection, expected),
    ...judgeConnections(inspection),
    ...judgeEvictions(inspection),
    ...judgeMemory(inspection, expected),
  ]
}

/** Bytes of an item beside the record: header, key and the cas. */
const besideRecord = 512

function judgeItemSize(
  { stats }: ServerInspection,
  { maxBytes, largestSession }: Expected,
): readonly Finding[] {
  const largest = numberIn(stats?.settings, 'item_size_max')
  if (largest === null) return []
  const fits = largest - besideRecord
  if (fits >= maxBytes) {
    return [found('item size', 'ok', `Records of up to ${grouped(maxBytes)} bytes fit (-I).`)]
  }
  const limit = `It refuses items above ${grouped(largest)} bytes (-I)`
  if (fits >= largestSession) {
    const what = `${limit}. Sessions fit: by default they have at most ${grouped(largestSession)} bytes (maxBytes of createSessions).`
    const todo = `Raise -I if you set maxBytes of createSessions above ${fits}.`
    return [found('item size', 'note', what, todo)]
  }
  const what = `${limit}, but a session may have ${grouped(largestSession)} (maxBytes): one in between cannot be saved.`
  const todo = `Set maxBytes to ${Math.max(fits, 1)}, of createSessions and of memcachedStore, or raise -I.`
  return [found('item size', 'warning', what, todo)]
}

function judgeConnections({ stats }: ServerInspection): readonly Finding[] {
  const now = numberIn(stats?.general, 'curr_connections')
  const limit = numberIn(stats?.general, 'max_connections') ?? numberIn(stats?.settings, 'maxconns')
  if (now === null || limit === null) return []
  // memcached keeps some of them for its files.
  const most = limit - (numberIn(stats?.general, 'reserved_fds') ?? 0)
  const refused =
    (numberIn(stats?.general, 'rejected_connections') ?? 0) +
    (numberIn(stats?.general, 'listen_disabled_num') ?? 0)
  const what = `${grouped(now)} of ${grouped(most)} usable connections are open (-c).`
  const todo =
    'Raise -c above the number of processes of all applications, each has one connection.'
  if (refused > 0) {
    const since = `It has run out of connections ${grouped(refused)} times since it started.`
    return [found('connections', 'warning', `${what} ${since}`, todo)]
  }
  if (now >= 0.8 * most) return [found('connections', 'warning', what, todo)]
  return [found('connections', 'ok', what)]
}

function judgeEvictions({ stats }: ServerInspection): readonly Finding[] {
  const evictions = numberIn(stats?.general, 'evictions')
  if (evictions === null) return []
  const uptime = duration(numberIn(stats?.general, 'uptime') ?? 0)
  const todo = 'Give it more memory (-m), or the sessions a memcached of their own.'
  const refused = numberIn(stats?.general, 'store_no_memory') ?? 0
  const findings: Finding[] = []
  if (evictions > 0) {
    const what = `It evicted ${grouped(evictions)} records in ${uptime}. An evicted session is a logout.`
    findings.push(found('evictions', 'warning', what, todo))
  }
  if (refused > 0) {
    const what = `It refused ${grouped(refused)} records in ${uptime} because its memory was full.`
    findings.push(found('evictions', 'warning', what, todo))
  }
  if (stats?.settings['evictions'] === 'off') {
    const what = 'It evicts nothing (-M): when its memory is full, sign-ins and changes fail.'
    findings.push(found('evictions', 'note', what, 'Watch its memory, or start it without -M.'))
  }
  if (findings.length > 0) return findings
  return [found('evictions', 'ok', `It has evicted nothing in ${uptime}.`)]
}

function judgeMemory({ stats }: ServerInspection, { sessionBytes }: Expected): readonly Finding[] {
  const used = numberIn(stats?.general, 'bytes')
  const limit = numberIn(stats?.general, 'limit_maxbytes')
  const items = numberIn(stats?.general, 'curr_items')
  if (used === null || limit === null || limit === 0 || items === null) return []
  const mean = meanBytes(stats?.general)
  const size = sessionBytes ?? mean ?? 1000
  const source =
    sessionBytes === undefined && mean !== null ? ', the mean size of what is there' : ''
  const share = Math.round((100 * used) / limit)
  const what =
    `${bytesText(used)} of ${bytesText(limit)} are in use (${share} %), by ${grouped(items)} records. ` +
    `About ${grouped(sessionsThatFit(limit, size))} sessions of ${grouped(size)} bytes fit${source}.`
  if (share < 80) return [found('memory', 'ok', what)]
  const todo = 'Raise -m before records are evicted: take twice what is in use.'
  return [found('memory', 'warning', what, todo)]
}

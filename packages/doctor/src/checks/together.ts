import type { ServerInspection } from '@coatcheck/memcached/inspect'
import { found } from '../finding.ts'
import type { Finding } from '../finding.ts'
import { bytesText, numberIn } from '../numbers.ts'

/** What shows only when servers are compared. */
export function judgeTogether(servers: readonly ServerInspection[]): readonly Finding[] {
  return [...judgeTwins(servers), ...judgeVersions(servers), ...judgeSizes(servers)]
}

/** One process under two names: a session may be looked for under the wrong one after a change of the list. */
function judgeTwins(servers: readonly ServerInspection[]): readonly Finding[] {
  const identities = servers.map(identityOf)
  return servers.flatMap(({ server }, index) => {
    const first = identities.indexOf(identities[index] as string)
    if (identities[index] === '' || first === index) return []
    const what = `${servers[first]?.server} and ${server} seem to be one memcached: process, port and start are the same.`
    return [found('servers', 'warning', what, 'List each server once, in one spelling.')]
  })
}

/** The same for one process; empty if it cannot be told. */
function identityOf({ stats }: ServerInspection): string {
  if (stats === null) return ''
  const { pid = '1', pointer_size: pointer, time, uptime } = stats.general
  // In a container every process is the first.
  if (pid === '1') return ''
  const started = Math.round((Number(time) - Number(uptime)) / 3)
  const { tcpport, domain_socket: socket, inter } = stats.settings
  return [pid, pointer, started, tcpport, socket, inter].join(' ')
}

function judgeVersions(servers: readonly ServerInspection[]): readonly Finding[] {
  const versions = new Set(servers.flatMap(({ stats }) => stats?.general['version'] ?? []))
  if (versions.size < 2) return []
  const what = `The servers have different versions: ${[...versions].join(', ')}.`
  return [found('servers', 'note', what, 'Bring them to one version.')]
}

function judgeSizes(servers: readonly ServerInspection[]): readonly Finding[] {
  const sizes = new Set(
    servers.flatMap(({ stats }) => numberIn(stats?.general, 'limit_maxbytes') ?? []),
  )
  if (sizes.size < 2) return []
  const what = `The servers have different memory: ${[...sizes].map(bytesText).join(', ')}.`
  return [found('servers', 'note', what, 'Give them weights in this proportion, or the same -m.')]
}

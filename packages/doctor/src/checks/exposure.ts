import type { ServerInspection } from '@coatcheck/memcached/inspect'
import { found } from '../finding.ts'
import type { Finding } from '../finding.ts'
import { numberIn } from '../numbers.ts'
import type { Surroundings } from '../surroundings.ts'

/** Who can reach a server, and what protects it: login, TLS, addresses. */
export function judgeExposure(
  inspection: ServerInspection,
  around: Surroundings,
): readonly Finding[] {
  return [
    ...judgeLogin(inspection, around),
    ...judgeTls(inspection, around),
    ...judgeAddresses(inspection, around),
    ...judgeUdp(inspection),
  ]
}

function judgeLogin(
  { login, error, protocols, tls }: ServerInspection,
  { reach }: Surroundings,
): readonly Finding[] {
  // The store has said it.
  if (error?.code === 'auth' || protocols.length === 0) return []
  if (login.configured && !login.required) {
    const what =
      'A login is configured, but the server asks for none: it accepts commands without a password.'
    const todo = 'Start memcached with -S or -Y FILE, or take the login out of the configuration.'
    return [found('login', 'warning', what, todo)]
  }
  if (login.configured) {
    if (tls || reach === 'this host') return [found('login', 'ok', 'It requires the login.')]
    const what = 'It requires the login, and the password crosses the network unencrypted.'
    return [found('login', 'warning', what, 'Use TLS (memcached -Z).')]
  }
  if (reach === 'this host') return [found('login', 'ok', 'It requires no login.')]
  const what =
    'It requires no login: all that reach the port can delete every session. Sealed records cannot be read or forged.'
  return [found('login', 'note', what, 'Let only the hosts of the application reach the port.')]
}

function judgeTls(
  { tls, protocols }: ServerInspection,
  { reach }: Surroundings,
): readonly Finding[] {
  if (protocols.length === 0) return []
  if (tls) return [found('tls', 'ok', 'The connection is encrypted.')]
  if (reach === 'this host') return [found('tls', 'ok', 'No TLS, on this host alone.')]
  if (reach === 'private network') {
    return [
      found('tls', 'note', 'No TLS: records cross the private network as they are stored, sealed.'),
    ]
  }
  const what = 'No TLS on the way to a public address.'
  return [found('tls', 'warning', what, 'Use TLS (memcached -Z, --tls), or a private address.')]
}

function judgeAddresses(
  { login, stats, protocols }: ServerInspection,
  { reach, addresses, alsoAt }: Surroundings,
): readonly Finding[] {
  if (protocols.length === 0) return []
  const level = login.required ? 'warning' : 'fault'
  const todo = 'Bind it to a private address (-l), and close the port in the firewall.'
  const open = alsoAt.filter(({ isPublic }) => isPublic).map(({ address }) => address)
  if (reach === 'public') {
    return [
      found(
        'exposure',
        level,
        `It is reached at a public address (${addresses.join(', ')}).`,
        todo,
      ),
    ]
  }
  if (open.length > 0) {
    const what = `It also answers at a public address of this host (${open.join(', ')}).`
    return [found('exposure', level, what, todo)]
  }
  const inner = alsoAt.map(({ address }) => address)
  if (reach === 'this host' && inner.length > 0) {
    const what = `It is used on this host, and also answers in the private network (${inner.join(', ')}).`
    const advice = 'If no other host needs it, bind it to 127.0.0.1 (-l 127.0.0.1).'
    return [found('exposure', 'note', what, advice)]
  }
  const inter = stats?.settings['inter']
  if (reach === 'private network' && (inter === 'NULL' || inter === '0.0.0.0')) {
    const what =
      'It listens at all addresses of its host. From here it cannot be seen whether one of them is public.'
    return [
      found(
        'exposure',
        'note',
        what,
        'Bind it to its private address (-l), or check its firewall.',
      ),
    ]
  }
  const where = reach === 'this host' ? 'this host' : 'the private network'
  return [found('exposure', 'ok', `It is reached within ${where}.`)]
}

function judgeUdp({ stats }: ServerInspection): readonly Finding[] {
  const port = numberIn(stats?.settings, 'udpport') ?? 0
  if (port === 0) return []
  const what = `It listens on UDP, port ${port}: such servers are used to flood others.`
  return [found('exposure', 'warning', what, 'Start memcached with -U 0.')]
}

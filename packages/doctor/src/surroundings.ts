import type { Endpoint } from '@coatcheck/memcached/inspect'
import { lookup } from 'node:dns/promises'
import { BlockList, connect, isIP, isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'

/** How far the address of a server reaches, seen from here. */
export type Reach = 'this host' | 'private network' | 'public'

export interface Surroundings {
  readonly reach: Reach
  /** What its name leads to; empty for a unix socket and for a name that is not known. */
  readonly addresses: readonly string[]
  /** Other addresses of this host at which the port accepts connections; empty if the server is on another. */
  readonly alsoAt: readonly { readonly address: string; readonly isPublic: boolean }[]
}

const inner = new BlockList()
inner.addSubnet('127.0.0.0', 8)
inner.addAddress('::1', 'ipv6')

const closed = new BlockList()
for (const [net, bits] of [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const) {
  closed.addSubnet(net, bits)
}
closed.addSubnet('fc00::', 7, 'ipv6')
closed.addSubnet('fe80::', 10, 'ipv6')

export function reachOf(address: string): Reach {
  const family = isIPv6(address) ? 'ipv6' : 'ipv4'
  if (inner.check(address, family)) return 'this host'
  return closed.check(address, family) ? 'private network' : 'public'
}

/** The addresses of this host but for the loopback. */
export function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .map(({ address }) => address)
}

/** Finds out where a server can be reached. Tries its port at the addresses of this host, if it is on this host. */
export async function lookAround(
  endpoint: Endpoint,
  own: readonly string[] = ownAddresses(),
): Promise<Surroundings> {
  if ('path' in endpoint) return { reach: 'this host', addresses: [], alsoAt: [] }
  const { host, port } = endpoint
  const addresses = isIP(host) === 0 ? await resolve(host) : [host]
  const isHere = addresses.some((each) => reachOf(each) === 'this host' || own.includes(each))
  const others = isHere ? own.filter((each) => !addresses.includes(each)) : []
  const tried = await Promise.all(
    others.map(async (address) => ((await accepts(address, port)) ? [address] : [])),
  )
  const alsoAt = tried
    .flat()
    .map((address) => ({ address, isPublic: reachOf(address) === 'public' }))
  return { reach: widest(addresses), addresses, alsoAt }
}

async function resolve(host: string): Promise<readonly string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address)
  } catch {
    return []
  }
}

function widest(addresses: readonly string[]): Reach {
  const reaches = addresses.map(reachOf)
  if (reaches.includes('public')) return 'public'
  return reaches.includes('private network') ? 'private network' : 'this host'
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ host, port })
    const end = (answer: boolean): void => {
      socket.destroy()
      done(answer)
    }
    socket.setTimeout(300, () => end(false))
    socket.once('connect', () => end(true)).once('error', () => end(false))
  })
}

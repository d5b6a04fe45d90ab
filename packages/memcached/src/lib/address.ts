import { isIPv4, isIPv6 } from 'node:net'
import { StoreError } from './errors.ts'
import type { NodeAddress } from './link-options.ts'

/** Where one memcached listens, and how it lets us in. */
export interface ServerAddress {
  readonly node: NodeAddress
  /** What hashing and messages call it: `host:port`, or the path of a socket. Never credentials. */
  readonly name: string
  /** A server of weight 2 gets twice the sessions of one of weight 1. */
  readonly weight: number
  readonly username?: string
  readonly password?: string
}

/** A server that has a weight of its own. */
export interface WeightedServer {
  readonly address: string
  /** Above 0. Default: 1. */
  readonly weight?: number
}

const defaultPort = 11_211

/**
 * Reads one address or a list. Each is `host`, `host:port`, `[ipv6]:port`, one of these after
 * `memcached://` or `memcached://user:password@` (percent-encoded), or the path of a unix socket, which
 * begins with `/`. A text may hold several, separated by commas. The port is 11211 by default.
 * @throws {StoreError} `config`, naming the fault, and no credentials.
 */
export function parseServers(
  servers: string | readonly (string | WeightedServer)[],
): readonly ServerAddress[] {
  const addresses = [servers].flat().flatMap(parseEntry)
  const names = addresses.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw refusal(`${twice} is listed twice`)
  if (addresses.length === 0) throw refusal('the list is empty')
  return addresses
}

function parseEntry(entry: string | WeightedServer): readonly ServerAddress[] {
  if (typeof entry !== 'object' || entry === null) {
    return String(entry)
      .split(',')
      .map((text) => parseAddress(text.trim()))
  }
  const { address, weight = 1 } = entry
  if (typeof address !== 'string') throw refusal('an address is not text')
  if (typeof weight !== 'number' || !(weight > 0 && weight <= 1000)) {
    throw refusal('a weight is not a number above 0 and at most 1000')
  }
  return [{ ...parseAddress(address.trim()), weight }]
}

/** Reads one address. @throws {StoreError} `config`, naming the fault. */
export function parseAddress(text: string): ServerAddress {
  if (text.startsWith('/')) return { node: { path: text }, name: text, weight: 1 }
  const scheme = /^([^:/@]*):\/\//.exec(text)
  if (scheme !== null && scheme[1] !== 'memcached') {
    throw refusal(`the scheme ${scheme[1]}:// is not memcached://`)
  }
  const rest = scheme === null ? text : text.slice(scheme[0].length).replace(/\/$/, '')
  const at = rest.lastIndexOf('@')
  if (at >= 0 && scheme === null) {
    throw refusal('credentials need memcached:// in front: memcached://user:password@host')
  }
  const address = rest.slice(at + 1)
  const node = parseNode(address)
  const name = node.host.includes(':') ? `[${node.host}]:${node.port}` : `${node.host}:${node.port}`
  return { node, name, weight: 1, ...(at < 0 ? {} : parseCredentials(rest.slice(0, at))) }
}

/** Not quoted in errors: it holds a password. */
function parseCredentials(text: string): { username: string; password: string } {
  const [username = '', password = '', ...more] = text.split(':')
  if (username === '' || password === '' || more.length > 0) {
    throw refusal('credentials must be user:password, with : and @ inside them percent-encoded')
  }
  try {
    return { username: decodeURIComponent(username), password: decodeURIComponent(password) }
  } catch {
    throw refusal('the credentials have a % that encodes nothing')
  }
}

function parseNode(text: string): { readonly host: string; readonly port: number } {
  if (text === '') throw refusal('an address has no host')
  const bracketed = /^\[([^\]]*)\](.*)$/.exec(text)
  if (bracketed !== null) {
    const [, host = '', tail = ''] = bracketed
    if (!isIPv6(host)) throw refusal(`what "${text}" has in brackets is not an IPv6 address`)
    return { host: host.toLowerCase(), port: parsePort(tail, text) }
  }
  if (isIPv6(text)) throw refusal(`write "${text}" in brackets, [${text}]`)
  const colon = text.indexOf(':')
  const host = colon === -1 ? text : text.slice(0, colon)
  if (!isHost(host)) throw refusal(`the host of "${text}" is not a name or an address`)
  return { host: host.toLowerCase(), port: parsePort(text.slice(host.length), text) }
}

/** `11211` or `10.1` would resolve too, to 0.0.43.203 and 10.0.0.1: a port, or a slip. */
function isHost(host: string): boolean {
  if (/^[\d.]*$/.test(host)) return isIPv4(host)
  return host.length <= 253 && /^[\w-]+(\.[\w-]+)*\.?$/.test(host)
}

function parsePort(text: string, address: string): number {
  if (text === '') return defaultPort
  const port = /^:(\d{1,5})$/.exec(text)?.[1]
  if (port !== undefined && Number(port) >= 1 && Number(port) <= 65_535) return Number(port)
  throw refusal(`the port of "${address}" is not a number from 1 to 65535`)
}

function refusal(fault: string): StoreError {
  return new StoreError('config', `memcachedStore: servers: ${fault}`, { sent: false })
}

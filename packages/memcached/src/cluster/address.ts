import { isIPv4, isIPv6 } from 'node:net'
import { StoreError } from '../errors.ts'
import type { NodeAddress } from '../link/settings.ts'

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
 * `memcached://` or `memcached://user:password@` (percent-encoded), or the path of a unix socket,
 * which begins with `/`. A text may hold several, separated by commas. The port is 11211 by
 * default.
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
  if (typeof entry === 'string') return parseTexts(entry.split(','), entry)
  if (typeof entry !== 'object' || entry === null) throw refusal('an address is not text')
  const { address, weight = 1, ...others } = entry
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) throw refusal(`a server has address and weight, and no ${unknown}`)
  if (typeof address !== 'string') throw refusal('an address is not text')
  if (typeof weight !== 'number' || !(weight > 0 && weight <= 1000)) {
    throw refusal('a weight is not a number above 0 and at most 1000')
  }
  return parseTexts([address], address).map((server) => ({ ...server, weight }))
}

/**
 * What may hold a password, even a part of one that a comma has cut off, is not quoted in errors.
 */
function parseTexts(texts: readonly string[], whole: string): readonly ServerAddress[] {
  const quote = whole.includes('@') ? () => 'an address' : (part: string) => `"${part}"`
  return texts.map((text) => parseAddress(text.trim(), quote))
}

type Quote = (part: string) => string

function parseAddress(text: string, quote: Quote): ServerAddress {
  if (text.startsWith('/')) return { node: { path: text }, name: text, weight: 1 }
  const scheme = /^([^:/@]*):\/\//.exec(text)
  if (scheme !== null && scheme[1] !== 'memcached') {
    throw refusal(`the scheme of ${quote(`${scheme[1]}://`)} is not memcached://`)
  }
  const rest = scheme === null ? text : text.slice(scheme[0].length).replace(/\/$/, '')
  const at = rest.lastIndexOf('@')
  if (at >= 0 && scheme === null) {
    throw refusal('credentials need memcached:// in front: memcached://user:password@host')
  }
  const node = parseNode(rest.slice(at + 1), quote)
  const name = node.host.includes(':') ? `[${node.host}]:${node.port}` : `${node.host}:${node.port}`
  return { node, name, weight: 1, ...(at < 0 ? {} : parseCredentials(rest.slice(0, at))) }
}

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

function parseNode(text: string, quote: Quote): { readonly host: string; readonly port: number } {
  const bracketed = /^\[([^\]]*)\](.*)$/.exec(text)
  if (bracketed !== null) {
    const [, host = '', tail = ''] = bracketed
    const shown = quote(`[${host}]`)
    if (!isIPv6(host)) throw refusal(`what ${shown} has in brackets is not an IPv6 address`)
    return { host: host.toLowerCase(), port: parsePort(tail, shown) }
  }
  if (isIPv6(text) || /^[\da-f]*:[\da-f]*:[\da-f:.]*$/i.test(text)) {
    throw refusal('an IPv6 address needs brackets: [::1]:11211')
  }
  const colon = text.indexOf(':')
  const host = colon === -1 ? text : text.slice(0, colon)
  if (host === '') throw refusal('an address has no host')
  if (!isHost(host)) throw refusal(`the host of ${quote(host)} is not a name or an address`)
  return { host: host.toLowerCase(), port: parsePort(text.slice(host.length), quote(host)) }
}

/** `11211` or `10.1` would resolve too, to 0.0.43.203 and 10.0.0.1: a port, or a slip. */
function isHost(host: string): boolean {
  if (/^[\d.]*$/.test(host)) return isIPv4(host)
  return host.length <= 253 && /^[\w-]+(\.[\w-]+)*\.?$/.test(host)
}

function parsePort(text: string, shown: string): number {
  if (text === '') return defaultPort
  const port = /^:(\d{1,5})$/.exec(text)?.[1]
  if (port !== undefined && Number(port) >= 1 && Number(port) <= 65_535) return Number(port)
  throw refusal(`the port of ${shown} is not a number from 1 to 65535`)
}

function refusal(fault: string): StoreError {
  return new StoreError('config', `memcachedStore: servers: ${fault}`, { sent: false })
}

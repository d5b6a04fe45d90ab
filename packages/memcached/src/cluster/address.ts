import { isIPv4, isIPv6 } from 'node:net'
import { refuseOption } from '../check-option.ts'
import type { Endpoint } from '../link/connection-options.ts'

/** One server of the option `servers`. */
export interface ServerAddress {
  readonly endpoint: Endpoint
  /** Its name in hashing and messages: `host:port` or the path of a socket, never credentials. */
  readonly name: string
  /** A server of weight 2 gets twice as many sessions as one of weight 1. */
  readonly weight: number
  readonly username?: string
  readonly password?: string
}

/** A server with a weight. */
export interface WeightedServer {
  readonly address: string
  /** Above 0. Default: 1. */
  readonly weight?: number
}

const defaultPort = 11_211

/**
 * Parses one address or a list. An address is `host`, `host:port` or `[ipv6]:port`, optionally
 * after `memcached://` or `memcached://user:password@` (percent-encoded), or the path of a unix
 * socket, which begins with `/`. Text may hold several addresses, separated by commas. The default
 * port is 11211.
 * `source` is what the message calls the list.
 * @throws {SessionError} `invalid-option`. The message never holds credentials.
 */
export function parseServers(
  servers: string | readonly (string | WeightedServer)[],
  source = 'servers',
): readonly ServerAddress[] {
  try {
    return parseAll(servers)
  } catch (error) {
    if (error instanceof AddressFault) refuseOption(`${source}:`, error.message)
    throw error
  }
}

function parseAll(
  servers: string | readonly (string | WeightedServer)[],
): readonly ServerAddress[] {
  const addresses = [servers].flat().flatMap(parseEntry)
  const names = addresses.map(({ name }) => name)
  const duplicate = names.find((name, index) => names.indexOf(name) !== index)
  if (duplicate !== undefined) refuse(`${duplicate} is listed twice`)
  if (addresses.length === 0) refuse('the list is empty')
  return addresses
}

function parseEntry(entry: string | WeightedServer): readonly ServerAddress[] {
  if (typeof entry === 'string') return parseTexts(entry.split(','), entry)
  if (typeof entry !== 'object' || entry === null) refuse('an address is not text')
  const { address, weight = 1, ...others } = entry
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) {
    refuse(`${unknown} is not an option of a server; the options are address, weight`)
  }
  if (typeof address !== 'string') refuse('an address is not text')
  if (typeof weight !== 'number' || !(weight > 0 && weight <= 1000)) {
    refuse('a weight is not a number above 0 and at most 1000')
  }
  return parseTexts([address], address).map((server) => ({ ...server, weight }))
}

/**
 * If the text may contain a password, errors quote no part of it, since a comma in the password
 * would split it.
 */
function parseTexts(texts: readonly string[], whole: string): readonly ServerAddress[] {
  const quote = whole.includes('@') ? () => 'an address' : (part: string) => `"${part}"`
  const trimmed = texts.map((text) => text.trim())
  if (trimmed.length > 1 && trimmed.includes('')) {
    refuse('an address has no host: there is a comma too many')
  }
  return trimmed.map((text) => parseAddress(text, quote))
}

type Quote = (part: string) => string

function parseAddress(text: string, quote: Quote): ServerAddress {
  if (text.startsWith('/')) return { endpoint: { path: text }, name: text, weight: 1 }
  const scheme = /^([^:/@]*):\/\//.exec(text)
  if (scheme !== null && scheme[1] !== 'memcached') {
    refuse(`the scheme of ${quote(`${scheme[1]}://`)} is not memcached://`)
  }
  const rest = scheme === null ? text : text.slice(scheme[0].length).replace(/\/$/, '')
  const at = rest.lastIndexOf('@')
  if (at >= 0 && scheme === null) {
    refuse('credentials need the scheme memcached://: memcached://user:password@host')
  }
  const { host, port } = parseHostAndPort(rest.slice(at + 1), quote)
  const name = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  const credentials = at < 0 ? {} : parseCredentials(rest.slice(0, at))
  return { endpoint: { host, port }, name, weight: 1, ...credentials }
}

function parseCredentials(text: string): { username: string; password: string } {
  const [username = '', password = '', ...more] = text.split(':')
  if (username === '' || password === '' || more.length > 0) {
    refuse('credentials must be user:password; percent-encode : and @ inside them')
  }
  try {
    return { username: decodeURIComponent(username), password: decodeURIComponent(password) }
  } catch {
    refuse('the credentials have an invalid percent-encoding')
  }
}

function parseHostAndPort(
  text: string,
  quote: Quote,
): { readonly host: string; readonly port: number } {
  const bracketed = /^\[([^\]]*)\](.*)$/.exec(text)
  if (bracketed !== null) {
    const [, host = '', tail = ''] = bracketed
    const shown = quote(`[${host}]`)
    if (!isIPv6(host)) refuse(`the text in brackets in ${shown} is not an IPv6 address`)
    return { host: host.toLowerCase(), port: parsePort(tail, shown) }
  }
  if (isIPv6(text) || /^[\da-f]*:[\da-f]*:[\da-f:.]*$/i.test(text)) {
    refuse('an IPv6 address needs brackets: [::1]:11211')
  }
  const colon = text.indexOf(':')
  const host = colon === -1 ? text : text.slice(0, colon)
  if (host === '') refuse('an address has no host')
  if (!isHost(host)) refuse(`the host of ${quote(host)} is not a host name or an IP address`)
  return { host: host.toLowerCase(), port: parsePort(text.slice(host.length), quote(host)) }
}

/** `11211` and `10.1` would resolve as well, to 0.0.43.203 and 10.0.0.1, but are mistakes. */
function isHost(host: string): boolean {
  if (/^[\d.]*$/.test(host)) return isIPv4(host)
  return host.length <= 253 && /^[\w-]+(\.[\w-]+)*\.?$/.test(host)
}

function parsePort(text: string, shown: string): number {
  if (text === '') return defaultPort
  const port = /^:(\d{1,5})$/.exec(text)?.[1]
  if (port !== undefined && Number(port) >= 1 && Number(port) <= 65_535) return Number(port)
  refuse(`the port of ${shown} is not a number from 1 to 65535`)
}

/** A fault in an address, before its source is known. */
class AddressFault extends Error {}

function refuse(what: string): never {
  throw new AddressFault(what)
}

import { isIPv4, isIPv6 } from 'node:net'
import { StoreError } from './errors.ts'

/** Where one memcached listens. */
export interface ServerAddress {
  /** A name, an IPv4 address, or an IPv6 address without brackets. */
  readonly host: string
  readonly port: number
}

const defaultPort = 11_211

/**
 * Reads one address or a list: each is `host`, `host:port`, `[ipv6]:port`, or one of these after
 * `memcached://`, and a text may hold several, separated by commas. The port is 11211 by default.
 * @throws {StoreError} `config`, naming the fault.
 */
export function parseServers(servers: string | readonly string[]): readonly ServerAddress[] {
  const texts = [servers].flat().flatMap((text) => String(text).split(','))
  const addresses = texts.map((text) => parseAddress(text.trim()))
  const names = addresses.map(formatAddress)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw refusal(`${twice} is listed twice`)
  if (addresses.length === 0) throw refusal('the list is empty')
  return addresses
}

/** Reads one address. @throws {StoreError} `config`, naming the fault. */
export function parseAddress(text: string): ServerAddress {
  // Not quoted: it may hold a password.
  if (text.includes('@')) throw refusal('credentials do not belong into an address')
  const scheme = /^([^:/]*):\/\//.exec(text)
  if (scheme !== null && scheme[1] !== 'memcached') {
    throw refusal(`the scheme of "${text}" is not memcached://`)
  }
  const rest = scheme === null ? text : text.slice(scheme[0].length).replace(/\/$/, '')
  if (rest === '') throw refusal(text === '' ? 'an address is empty' : `"${text}" has no host`)

  const bracketed = /^\[([^\]]*)\](.*)$/.exec(rest)
  if (bracketed !== null) {
    const [, host = '', tail = ''] = bracketed
    if (!isIPv6(host)) throw refusal(`what "${text}" has in brackets is not an IPv6 address`)
    return { host: host.toLowerCase(), port: parsePort(tail, text) }
  }
  if (isIPv6(rest)) throw refusal(`write "${text}" in brackets, [${rest}]`)
  const colon = rest.indexOf(':')
  const host = colon === -1 ? rest : rest.slice(0, colon)
  if (!isHost(host)) throw refusal(`the host of "${text}" is not a name or an address`)
  return { host: host.toLowerCase(), port: parsePort(rest.slice(host.length), text) }
}

/** `host:port`, with an IPv6 address in brackets. */
export function formatAddress({ host, port }: ServerAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
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

import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { StoreError } from '../errors.ts'
import type { LinkSettings } from './settings.ts'

/** Of TLS: certificates that are not trusted, and peers that do not speak TLS. */
const misconfigured = /^(ERR_TLS_|ERR_SSL_|EPROTO$|CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/

/**
 * Begins to connect. `noDelay`: a tick's commands are one write already, Nagle's algorithm would
 * only hold them back. `keepAlive`: finds out about a peer that vanished without a word while we
 * were idle.
 */
export function openSocket(
  { address, tls }: LinkSettings,
  receive: (chunk: Buffer) => void,
): Socket {
  const keeping = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 }
  const how = { ...address, ...keeping, onread: onread(receive) }
  if (tls === undefined) return connectTcp(how)
  // Node takes the host for the server name, but warns about an IP address (RFC 6066 forbids it).
  const servername = 'host' in address && isIP(address.host) === 0 ? address.host : ''
  return connectTls({ servername, ...defined(tls), ...how })
}

/**
 * One buffer for all that comes, where a stream of node takes a new one for each piece: 64 KB to be
 * cleared away for an answer of 100 bytes.
 */
function onread(receive: (chunk: Buffer) => void): OnReadOpts {
  const buffer = Buffer.allocUnsafeSlow(64 * 1024)
  return {
    buffer,
    callback(length) {
      receive(buffer.subarray(0, length))
      return true
    },
  }
}

/** The event by which a socket of `openSocket` says that it can be written to. */
export function readyEvent({ tls }: LinkSettings): 'connect' | 'secureConnect' {
  return tls === undefined ? 'connect' : 'secureConnect'
}

/** What a socket's error means. `answered`: the node has spoken with us on this connection. */
export function socketFault(error: Error & { code?: string }, answered: boolean): StoreError {
  const code = error.code ?? ''
  const ours = !answered && misconfigured.test(code)
  const what = ours ? 'TLS with the node failed' : 'The connection to the node failed'
  const message = `${what} (${code || error.message})`
  return new StoreError(ours ? 'config' : 'unavailable', message, { sent: true, cause: error })
}

/** `undefined` is not a value to `tls.connect`: `servername: undefined` would hide the default. */
function defined<options extends object>(options: options): Partial<options> {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as Partial<options>
}

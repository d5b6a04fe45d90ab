import { connect as connectTcp, isIP } from 'node:net'
import type { OnReadOpts, Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { StoreError } from '@coatcheck/core/remote'
import type { ConnectionSettings } from './connection-options.ts'

/** Error codes for a certificate that is not trusted and a peer that does not speak TLS. */
const misconfigured = /^(ERR_TLS_|ERR_SSL_|EPROTO$|CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/

/**
 * Starts to connect to `address`: an IP address, or the path of a unix socket. `noDelay`: the
 * commands of a tick already share one write, so Nagle's algorithm would only delay them.
 * `keepAlive` detects a peer that disappeared while the connection was idle.
 */
export function openSocket(
  { endpoint, tls }: ConnectionSettings,
  address: string,
  receive: (chunk: Buffer) => void,
): Socket {
  const keeping = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 }
  const to = 'path' in endpoint ? endpoint : { host: address, port: endpoint.port }
  const how = { ...to, ...keeping, onread: onread(receive) }
  if (tls === undefined) return connectTcp(how)
  // Node.js warns about an IP address as the server name (RFC 6066 forbids it).
  const servername = 'host' in endpoint && isIP(endpoint.host) === 0 ? endpoint.host : ''
  return connectTls({ servername, ...defined(tls), ...how })
}

/**
 * One buffer for all incoming bytes. By default Node.js allocates 64 KB for every chunk, even for
 * an answer of 100 bytes.
 */
function onread(receive: (chunk: Buffer) => void): OnReadOpts {
  const buffer = Buffer.allocUnsafeSlow(64 * 1024)
  return {
    buffer,
    // workerd detaches the buffer, and passes the bytes in another one.
    callback(length, filled) {
      receive(Buffer.from(filled.buffer, filled.byteOffset, length))
      return true
    },
  }
}

/** The event that a socket of `openSocket` emits when it is ready for writing. */
export function readyEvent({ tls }: ConnectionSettings): 'connect' | 'secureConnect' {
  return tls === undefined ? 'connect' : 'secureConnect'
}

/** What a socket error means. `answered`: whether this connection has delivered an answer. */
export function socketError(error: Error & { code?: string }, answered: boolean): StoreError {
  const code = error.code ?? ''
  const isSetup = !answered && misconfigured.test(code)
  const what = isSetup ? 'TLS with the server failed' : 'The connection to the server failed'
  const message = `${what} (${code || error.message})`
  const kind = isSetup ? 'config' : 'unavailable'
  return new StoreError(kind, message, { sent: true, cause: error })
}

/** Drops undefined values: `servername: undefined` would override the default of `tls.connect`. */
function defined<options extends object>(options: options): Partial<options> {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as Partial<options>
}

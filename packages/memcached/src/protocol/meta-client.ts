import { protocolError } from '../errors.ts'
import type { StoreError } from '../errors.ts'
import { Connection } from '../link/connection.ts'
import { ReconnectingConnection } from '../link/reconnecting-connection.ts'
import { readConnectionOptions } from '../link/connection-options.ts'
import type { ConnectionOptions, ConnectionSettings } from '../link/connection-options.ts'
import { checkCommand } from './check-command.ts'
import type { Hit, ProtocolClient } from './client.ts'
import { createHit } from './create-hit.ts'
import { casText, metaCodec, MetaCommand } from './meta-codec.ts'
import type { MetaReply } from './meta-codec.ts'

/** Changes nothing. Its answer carries the number of the command, even on a miss. */
const guard = 'mg coatcheck'

/**
 * A client in memcached's meta protocol.
 *
 * A replace does not use `ms` with `MR` and `C`: if memcached has no memory for the new value, or
 * if the value is too large, `ms` removes the stored record, whatever its mode and cas (measured on
 * 1.6.18). `cas` keeps it. Its answer carries no number, so an `mg` with a number follows it in the
 * same write.
 * @throws {SessionError} `invalid-option`, if an option is wrong.
 */
export function createMetaClient(options: ConnectionOptions): ProtocolClient {
  const settings = readConnectionOptions(options)
  // memcached parses a signed 32-bit number and reads a larger one as the past.
  const limits = { maxValueBytes: settings.maxValueBytes, maxTtl: 0x7fffffff }
  const connection = new ReconnectingConnection(() => openMetaConnection(settings))

  return {
    get(key, ttl) {
      const error = checkCommand(limits, key, ttl)
      if (error !== undefined) return Promise.reject(error)
      const touch = ttl === undefined ? '' : ` T${ttl}`
      return connection.submit(
        new MetaCommand(`mg ${key} v c${touch}`, undefined, undefined, hitOrMiss),
      )
    },
    add(key, value, ttl) {
      const error = checkCommand(limits, key, ttl, value)
      if (error !== undefined) return Promise.reject(error)
      const command = `ms ${key} ${value.length} T${ttl} ME`
      return connection.submit(new MetaCommand(command, value, undefined, addedOrTaken))
    },
    replace(key, value, ttl, cas) {
      const error = checkCommand(limits, key, ttl, value, cas)
      if (error !== undefined) return Promise.reject(error)
      const command = `cas ${key} 0 ${ttl} ${value.length} ${casText(cas)}`
      return connection.submit(new MetaCommand(command, value, guard, saved))
    },
    delete(key, cas) {
      const error = checkCommand(limits, key, undefined, undefined, cas)
      if (error !== undefined) return Promise.reject(error)
      const condition = cas === undefined ? '' : ` C${casText(cas)}`
      return connection.submit(
        new MetaCommand(`md ${key}${condition}`, undefined, undefined, deleted),
      )
    },
    check() {
      return connection.submit(metaCheck())
    },
    close() {
      connection.close()
    },
    get alive() {
      return connection.alive
    },
  }
}

/** A connection that speaks the meta protocol, after the login if there is one. */
export function openMetaConnection(
  settings: ConnectionSettings,
  opaque?: number,
): Connection<MetaReply> {
  const login = settings.login && metaLogin(settings.login)
  return new Connection(settings, metaCodec(settings.maxValueBytes), login, opaque)
}

/** Checks that the server answers, accepts the login and returns the numbers of commands. */
export function metaCheck(): MetaCommand<void> {
  return new MetaCommand(guard, undefined, undefined, () => {})
}

/**
 * With `-Y`, memcached treats the first `set` as the login. Without `-Y` it stores the password, so
 * the record must already have expired.
 */
function metaLogin({ username, password }: { username: string; password: string }) {
  const secret = Buffer.from(`${username} ${password}`)
  return new MetaCommand(`set coatcheck 0 -1 ${secret.length}`, secret, guard, (reply) => {
    if (reply.status !== 'STORED') throw unexpected(reply)
  })
}

function hitOrMiss(reply: MetaReply): Hit | null {
  if (reply.status === 'EN') return null
  if (reply.status !== 'VA') throw unexpected(reply)
  return createHit(reply.bytes, reply.valueStart, reply.valueEnd, reply.cas)
}

function addedOrTaken(reply: MetaReply): boolean {
  if (reply.status === 'HD') return true
  if (reply.status === 'NS') return false
  throw unexpected(reply)
}

function saved(reply: MetaReply): 'saved' | 'conflict' | 'missing' {
  if (reply.status === 'STORED') return 'saved'
  if (reply.status === 'EXISTS') return 'conflict'
  if (reply.status === 'NOT_FOUND') return 'missing'
  throw unexpected(reply)
}

function deleted(reply: MetaReply): 'deleted' | 'conflict' | 'missing' {
  if (reply.status === 'HD') return 'deleted'
  if (reply.status === 'EX') return 'conflict'
  if (reply.status === 'NF') return 'missing'
  throw unexpected(reply)
}

function unexpected({ status }: MetaReply): StoreError {
  return protocolError(`that does not fit the command (${status})`)
}

import { loopTime, protocolError, withDeadline } from '@coatcheck/core/remote'
import type { StoreError } from '@coatcheck/core/remote'
import type { Line } from '../link/command.ts'
import { Connection } from '../link/connection.ts'
import { ReconnectingConnection } from '../link/reconnecting-connection.ts'
import { readConnectionOptions } from '../link/connection-options.ts'
import type { ConnectionOptions, ConnectionSettings } from '../link/connection-options.ts'
import { checkCommand } from './check-command.ts'
import type { Cas, Client, Hit } from './client.ts'
import { createHit } from './create-hit.ts'
import { outOfPool } from './out-of-pool.ts'
import { casText, metaCodec, MetaCommand, noop } from './meta-codec.ts'
import type { MetaReply } from './meta-codec.ts'

/**
 * A client in memcached's meta protocol. It connects at the first command, and again after a
 * disconnect.
 * @throws {SessionError} `invalid-option`, if an option is wrong.
 */
export function createMetaClient(options: ConnectionOptions): Client {
  const settings = readConnectionOptions(options)
  let large: LargeHits | undefined
  const connection = new ReconnectingConnection(() => {
    large = new WeakSet()
    return openMetaConnection(settings)
  })
  return metaClientOn(connection, settings, () => (connection.alive ? large : undefined))
}

/** The cas of each large value received over one connection. */
type LargeHits = WeakSet<Cas>

/** From this size in bytes, checking whether a value has changed is worth a second command if it has. */
const largeValue = 16 * 1024

/**
 * A client in the meta protocol that sends its commands to `connection`.
 *
 * Replace does not use `ms` with `MR` and `C`: if memcached has no memory for the new value, or the value is too large,
 * `ms` removes the stored record, whatever its mode and cas (measured on 1.6.18, and still so in the source of later
 * versions). `cas` keeps it. Its answer has no number, so an `mg` with a number for the same key follows in the same
 * write; a proxy sends both to the same server.
 *
 * `largeHitsOf` returns those of the connection that takes the next command. A cas from an earlier connection is
 * meaningless, because a restarted server counts from one again. Default: `connection` is always the same.
 */
export function metaClientOn(
  connection: Line<MetaReply>,
  { maxValueBytes, deadline }: ConnectionSettings,
  largeHitsOf?: () => LargeHits | undefined,
): Client {
  // memcached parses a signed 32-bit number, and treats a larger one as a time in the past.
  const limits = { maxValueBytes, maxTtl: 0x7fffffff }
  const allLarge: LargeHits = new WeakSet()
  const largeHits = largeHitsOf ?? (() => allLarge)

  function getWhole(key: string, touch: string): Promise<Hit | null> {
    const keepLarge = (reply: MetaReply): Hit | null => {
      const hit = hitOrMiss(reply)
      if (hit !== null && hit.value.length >= largeValue) large?.add(hit.cas)
      return hit
    }
    const command = new MetaCommand(`mg ${key} v c${touch}`, undefined, undefined, keepLarge)
    const hit = connection.submit(command)
    const large = largeHits()
    return hit
  }

  /** Both commands share one deadline. */
  async function getUnlessKnown(key: string, touch: string, known: Hit): Promise<Hit | null> {
    const begun = loopTime()
    const command = new MetaCommand(`mg ${key} c${touch}`, undefined, undefined, casOrMiss)
    const cas = await connection.submit(command)
    if (cas === null) return null
    if (Buffer.compare(cas, known.cas) === 0) return known
    return withDeadline(deadline - (loopTime() - begun), getWhole(key, ''), true)
  }

  return {
    get(key, ttl, known) {
      const error = checkCommand(limits, key, ttl)
      if (error !== undefined) return Promise.reject(error)
      const touch = ttl === undefined ? '' : ` T${ttl}`
      if (known === undefined || !largeHits()?.has(known.cas)) return getWhole(key, touch)
      return getUnlessKnown(key, touch, known)
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
      return connection.submit(new MetaCommand(command, value, `mg ${key}`, saved))
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

/** Checks that the server answers and accepts the login. A proxy answers it itself. */
export function metaCheck(): MetaCommand<void> {
  return new MetaCommand(noop, undefined, undefined, () => {})
}

/** Checks that the server speaks the meta protocol as of 1.6.18: before, a miss had no number. */
export function metaProbe(key: string): MetaCommand<void> {
  return new MetaCommand(`mg ${key}`, undefined, undefined, () => {})
}

/**
 * With `-Y`, memcached treats the first `set` as the login. Without `-Y` it stores the password, so the record must be
 * already expired.
 */
export function metaLogin({
  username,
  password,
}: {
  readonly username: string
  readonly password: string
}): MetaCommand<void> {
  const secret = outOfPool(`${username} ${password}`)
  return new MetaCommand(`set coatcheck 0 -1 ${secret.length}`, secret, noop, (reply) => {
    if (reply.status !== 'STORED') throw unexpected(reply)
  })
}

function hitOrMiss(reply: MetaReply): Hit | null {
  if (reply.status === 'EN') return null
  if (reply.status !== 'VA') throw unexpected(reply)
  return createHit(reply.bytes, reply.valueStart, reply.valueEnd, reply.cas)
}

function casOrMiss(reply: MetaReply): Cas | null {
  if (reply.status === 'EN') return null
  if (reply.status !== 'HD') throw unexpected(reply)
  return reply.cas
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

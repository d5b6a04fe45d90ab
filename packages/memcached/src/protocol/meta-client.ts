import { StoreError } from '../errors.ts'
import { Line } from '../link/reconnecting.ts'
import { type LinkSettings, linkSettings, type WireOptions } from '../link/settings.ts'
import { copyOf, requireCas, wrongWith } from './check-command.ts'
import { Link } from '../link/connection.ts'
import { casText, MetaCommand, metaCodec, type MetaReply } from './meta-codec.ts'
import type { Hit, LineWire } from './client.ts'

/** Reads nothing and changes nothing; its answer carries the number we gave it, also on a miss. */
const guard = 'mg coatcheck'

/**
 * The commands of one node in memcached's meta protocol. It connects at the first command, and
 * again at the first one after the connection has ended.
 *
 * A replace is not `ms` with `MR` and `C`: when memcached has no room for the new value, or finds
 * it too large, `ms` removes the record that is there, whatever its mode and cas (measured on
 * 1.6.18). `cas` keeps it. As its answer carries no number, an `mg` with one goes behind it in the
 * same write.
 * @throws {StoreError} `config`, when an option is wrong.
 */
export function createMetaWire(options: WireOptions): LineWire {
  const settings = linkSettings(options)
  // memcached reads a signed number from text, and takes what is above for the past.
  const limits = { maxValueBytes: settings.maxValueBytes, maxTtl: 0x7fffffff }
  const line = new Line(() => openMetaLink(settings))

  return {
    get(key, ttl) {
      const wrong = wrongWith(limits, key, ttl)
      if (wrong !== undefined) return Promise.reject(wrong)
      const touch = ttl === undefined ? '' : ` T${ttl}`
      return line.submit(new MetaCommand(`mg ${key} v c${touch}`, undefined, undefined, hitOrMiss))
    },
    add(key, value, ttl) {
      const wrong = wrongWith(limits, key, ttl, value)
      if (wrong !== undefined) return Promise.reject(wrong)
      const command = `ms ${key} ${value.length} T${ttl} ME`
      return line.submit(new MetaCommand(command, value, undefined, addedOrTaken))
    },
    replace(key, value, ttl, cas) {
      const wrong = wrongWith(limits, key, ttl, value, cas)
      if (wrong !== undefined) return Promise.reject(wrong)
      const command = `cas ${key} 0 ${ttl} ${value.length} ${casText(cas)}`
      return line.submit(new MetaCommand(command, value, guard, saved))
    },
    delete(key, cas) {
      const wrong = wrongWith(limits, key, undefined, undefined, cas)
      if (wrong !== undefined) return Promise.reject(wrong)
      const condition = cas === undefined ? '' : ` C${casText(cas)}`
      return line.submit(new MetaCommand(`md ${key}${condition}`, undefined, undefined, deleted))
    },
    check() {
      return line.submit(metaCheck())
    },
    close() {
      line.close()
    },
    get connected() {
      return line.alive
    },
  }
}

/** A link that speaks the meta protocol, after the login if there is one. */
export function openMetaLink(settings: LinkSettings, opaque?: number): Link<MetaReply> {
  const hello = settings.login && metaLogin(settings.login)
  return new Link(settings, metaCodec(settings.maxValueBytes), hello, opaque)
}

/** Asks whether the node answers, lets us in, and returns the numbers of commands. */
export function metaCheck(): MetaCommand<void> {
  return new MetaCommand(guard, undefined, undefined, () => {})
}

/**
 * memcached's `-Y` takes a `set` for the login. One without `-Y` takes it for a `set`, so what it
 * stores has to have expired already.
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
  return {
    value: copyOf(reply.bytes, reply.valueStart, reply.valueEnd),
    cas: requireCas(reply.cas),
  }
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
  const message = `The node gave an answer that the command cannot have (${status})`
  return new StoreError('protocol', message, { sent: true })
}

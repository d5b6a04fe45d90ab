import { StoreError } from '@coatcheck/core/remote'
import type { StoreErrorCode } from '@coatcheck/core/remote'
import type { Redirect } from './driver.ts'

/** For the first word of a server error: its error code and message. */
const answers: Readonly<Record<string, readonly [StoreErrorCode, string]>> = {
  ASK: ['unavailable', 'The key is being moved to another server of the cluster'],
  BUSY: ['overloaded', 'The server runs a script of another client'],
  CLUSTERDOWN: ['unavailable', 'The cluster is down: a part of its slots has no server'],
  CROSSSLOT: ['config', 'The server needs all keys of a command in one slot'],
  LOADING: ['unavailable', 'The server is still loading its data'],
  MASTERDOWN: ['unavailable', 'The replica has lost its primary'],
  MISCONF: ['unavailable', 'The server refuses writes, because it cannot save to its disk'],
  MOVED: ['config', 'The server is one of a cluster: set cluster to true'],
  NOAUTH: ['auth', 'The server requires a login: set username and password'],
  NOPERM: ['auth', 'The user may not run the commands that the store needs, or not on its keys'],
  NOREPLICAS: ['unavailable', 'The server refuses writes, because it has too few replicas'],
  OOM: ['overloaded', 'The server is full (maxmemory), and its policy evicts nothing'],
  READONLY: ['unavailable', 'The server is a replica: a failover may be under way'],
  TRYAGAIN: ['unavailable', 'The key is being moved to another server of the cluster'],
  WRONGPASS: ['auth', 'The server refuses username and password'],
  WRONGTYPE: ['config', 'A key of the store holds another type: set a prefix that is its own'],
}

const config = /unknown command|wrong number of arguments|syntax error|cluster support disabled/i
const untrusted = /certificate|CERT_|ERR_TLS|SELF_SIGNED|wrong version number|SSL routines/i

/**
 * Converts a client's error to a StoreError. Drops the original, because clients put a command's arguments into it,
 * which are a key and a value. `sent`: whether the command may have reached the server.
 */
export function classify(error: unknown, sent: boolean): StoreError {
  if (error instanceof StoreError) return error
  const known = classified[sent ? 'sent' : 'unsent']
  const before = known.get(error as object)
  if (before !== undefined) return before
  const made = read(error, sent)
  known.set(error as object, made)
  return made
}

/**
 * All commands of a lost connection share one error, which must stay a single one, so that a breaker counts it once.
 */
const classified = {
  sent: new WeakMap<object, StoreError>(),
  unsent: new WeakMap<object, StoreError>(),
}

function read(error: unknown, sent: boolean): StoreError {
  const { message = '', name = '', code = '' } = error as Partial<NodeJS.ErrnoException>
  if (message.startsWith('Too many Cluster redirections')) return sentAround()
  if (name === 'ReplyError' || name === 'SimpleError' || isReply(message)) return answered(message)
  if (untrusted.test(`${code} ${message}`)) {
    const what = /^[A-Z_]+$/.test(code) ? ` (${code})` : ''
    return new StoreError('config', `TLS with the server failed${what}`, { sent: false })
  }
  const reason = /^[A-Z_]{3,}$/.test(code) ? code : 'the connection was closed'
  return new StoreError('unavailable', `The server cannot be reached: ${reason}`, { sent })
}

/** Errors of a server that has become a replica: `LOADING` while it loads its primary's data. */
const demoted = ['READONLY', 'MASTERDOWN', 'LOADING']

/**
 * Whether the server refused a command because it is not a primary, so that nothing was executed. Redis 6.2 quotes the
 * error after `ERR`.
 */
export function isDemoted(error: unknown): boolean {
  return demoted.includes(firstWord(error)) || /-READONLY\b/.test((error as Error).message)
}

/** Whether the server does not have a script yet. */
export function isUnknownScript(error: unknown): boolean {
  return firstWord(error) === 'NOSCRIPT'
}

/** Whether the key has moved to another server. */
export function isMoved(error: unknown): boolean {
  return firstWord(error) === 'MOVED'
}

/** The target of a redirection: `MOVED slot host:port`, or `ASK`. */
export function redirectOf(error: unknown): Redirect | null {
  const [, word, node] = /^(ASK|MOVED) \d+ (\S+:\d+)$/.exec((error as Error).message) ?? []
  return node === undefined ? null : { node, isAsking: word === 'ASK' }
}

/** The servers of a cluster disagree on which of them has the key. */
export function sentAround(): StoreError {
  const what = 'The cluster sends the command from server to server'
  return new StoreError('unavailable', what, { sent: true, answered: true })
}

function firstWord(error: unknown): string {
  return /^-?([A-Z]+)\b/.exec((error as Error).message)?.[1] ?? ''
}

function isReply(message: string): boolean {
  return Object.hasOwn(answers, /^(?:Ready check failed: )?([A-Z]+) /.exec(message)?.[1] ?? '')
}

/** Drops the server's text too, because it may quote arguments. */
function answered(text: string): StoreError {
  const options = { sent: true, answered: true }
  const word = /^(?:Ready check failed: )?([A-Z]+)\b/.exec(text)?.[1] ?? ''
  const known = Object.hasOwn(answers, word) ? answers[word] : undefined
  if (known !== undefined) return new StoreError(known[0], known[1], options)
  // An error inside a script is quoted within the script's own error.
  const inner = /\b(OOM|NOPERM|READONLY|WRONGTYPE|MISCONF|NOREPLICAS)\b/.exec(text)?.[1]
  if (inner !== undefined) {
    const [code, what] = answers[inner]!
    return new StoreError(code, what, options)
  }
  if (/invalid username-password|without any password|no password is set/i.test(text)) {
    return new StoreError('auth', 'The server refuses username and password', options)
  }
  if (/DB index|invalid DB/i.test(text)) {
    return new StoreError('config', 'The server has no database of this number', options)
  }
  if (/max number of clients/i.test(text)) {
    return new StoreError('overloaded', 'The server has too many clients (maxclients)', options)
  }
  if (config.test(text)) {
    const what = 'The server lacks a command: it must be Valkey, or Redis 6.2 or newer'
    return new StoreError('config', what, options)
  }
  return new StoreError('unavailable', `The server answered with an error (${word})`, options)
}

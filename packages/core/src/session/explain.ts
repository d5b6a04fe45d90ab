import { isToken } from '../crypto/token.ts'
import { readCookies } from '../http/cookie.ts'
import { cookieHeader } from '../http/read-token.ts'
import { isDamaged, isSealedElsewhere } from '../reasons.ts'
import type { Intent } from '../rules/next-step.ts'
import type { AskedFor, SessionStart } from './asked-for.ts'

const texts = {
  none: 'the request has no session cookie',
  duplicate:
    'the request has two different session cookies, and both are ignored; a sibling domain may set one',
  malformed: 'the value of the session cookie is not a token of Coatcheck',
  unknown: 'the store has no session for this token: it ended, was evicted, or never was',
  ended: 'the session has passed its absolute end (lifetime.absolute)',
  revoked:
    "the session is not in its account's list: it was ended elsewhere or by sessionsPerSubject, or the list is lost",
  'signing-out': 'the store has not confirmed a sign-out of the session, which is retried',
  unreadable: `the record cannot be opened: ${isDamaged}`,
  schema: 'the schema refuses the stored data',
  'unknown-secret': `the record ${isSealedElsewhere}`,
  moved: 'a sign-in or renewal gave the session a new token; this request has the old one',
  unproven: 'it is bound to a device, and the request carries no fresh proof of it (deviceBound)',
  unavailable: 'the store did not answer',
  insecure: 'the request came over plain http in production, where no cookie is read',
  'newer-version': 'a newer version of the app has saved the session (migrate)',
  migration: 'migrate.up has thrown for the stored data',
}

const consequences = {
  new: 'A change begins a session.',
  kept: 'Changes are not saved. The cookie stays.',
  live: 'A change is saved.',
}

const devices = {
  bound: ', with a fresh proof of its device',
  stale: ', bound to a device, without a fresh proof of it',
  pending: ', which the browser was asked to bind to its device',
  unbound: '',
}

const intents: { readonly [intent in Intent]: string } = {
  keep: '',
  renew: ' session.renew() gives it a new token at commit.',
  'sign-in': ' session.signIn() gives it a new token at commit.',
  destroy: ' session.destroy() ends it at commit.',
  discard: ' session.discard() drops the changes of this request.',
}

/** Explains a session's state in one or two sentences, without a token, id, account or value. */
export function explain(start: SessionStart, { intent }: AskedFor): string {
  return `${explainState(start)}${intents[intent]}`
}

function explainState(start: SessionStart): string {
  const { state, why } = start
  if (state === 'live') return `live: ${livePart(start)} ${consequences.live}`
  if (state === 'unavailable' || state === 'unproven')
    return `${state}: ${texts[why ?? state]}. ${consequences.kept}`
  const reason = texts[why ?? (state === 'nothing' ? whyNothing(start) : state)]
  const isKept = state === 'moved' || state === 'unknown-secret'
  return `new: ${reason}. ${isKept ? consequences.kept : consequences.new}`
}

function livePart({ record, device = 'unbound' }: SessionStart): string {
  if (record === null) return ''
  const { createdAt, owner, isPersistent } = record
  const account = owner === null ? 'without an account' : 'signed in'
  const kept = isPersistent === true ? ', to be remembered' : ''
  return `a session of ${new Date(createdAt).toISOString()}, ${account}${kept}${devices[device]}.`
}

function whyNothing({ source, cookieName }: SessionStart): keyof typeof texts {
  const values = cookieName === undefined ? [] : readCookies(cookieHeader(source), cookieName)
  if (values.length > 1) return 'duplicate'
  const [value] = values
  if (value === undefined) return 'none'
  return isToken(value) ? 'unknown' : 'malformed'
}

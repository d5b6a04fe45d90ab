import { SessionError } from '../errors.ts'

/** Throws `unsupported-value` for a text that cannot be a subject or label. */
export function checkText(name: string, value: string): void {
  if (typeof value === 'string' && value !== '' && value.length <= 256 && isClean(value)) return
  throw new SessionError(
    'unsupported-value',
    `${name} must be 1 to 256 characters of text without NUL`,
  )
}

function isClean(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

export function refuseStale(): never {
  throw new SessionError(
    'not-fresh',
    'The visitor signed in too long ago for this: have them sign in again, and call session.signIn()',
  )
}

export function refuseUnset(): never {
  throw new SessionError(
    'invalid-option',
    'session.signIn: deviceBound needs the option deviceBound of createSessions',
  )
}

/** Refuses a callback as in other libraries: it would never be called, and the request would hang. */
export function refuseCallback(options: object): void {
  if (typeof options !== 'function') return
  throw new SessionError('invalid-option', 'session: takes no callback: it is done at commit')
}

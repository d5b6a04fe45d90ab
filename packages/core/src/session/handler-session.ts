import { inspectedBy } from '../inspected-by.ts'
import { SessionError } from '../errors.ts'
import { clearSiteDataHeader } from '../http/clear-site-data.ts'
import type { LoadState } from '../rules/next-step.ts'
import { outages } from '../reasons.ts'
import { explain } from './explain.ts'
import { checkBound, refuseUnbound } from './check-bound.ts'
import { csrfTokenOf, isCsrfTokenOf } from './csrf.ts'
import { checkBoolean } from '../check-option.ts'
import { checkText, refuseCallback, refuseStale, refuseUnset } from './refuse.ts'
import { untilHeard } from './until-heard.ts'
import type {
  DestroyOptions,
  RenewOptions,
  RequireBoundOptions,
  Session,
  SessionState,
  SignInOptions,
} from './session.ts'
import type { SessionControl } from './control.ts'

class HandlerSession implements Session<object> {
  readonly #control: SessionControl

  constructor(control: SessionControl) {
    this.#control = control
  }

  #read(): SessionControl {
    this.#control.isRead = true
    return this.#control
  }

  get data() {
    return this.#read().object
  }

  get id() {
    return this.#read().id
  }

  get state() {
    return stateOf(this.#read().start.state)
  }

  get createdAt() {
    return dateOf(this.#read().start.record?.createdAt)
  }

  get renewedAt() {
    return dateOf(this.#read().start.record?.renewedAt)
  }

  get isPersistent() {
    return this.#read().start.record?.isPersistent === true
  }

  get subject() {
    return this.#read().start.record?.owner?.subject ?? null
  }

  get ref() {
    return this.#read().start.record?.owner?.ref ?? null
  }

  get device() {
    return this.#read().start.device ?? 'unbound'
  }

  // Getters that return functions, so that a handler can destructure the methods: `({ data, signIn }) => …`
  get signIn() {
    return (subject: string, options: SignInOptions = {}): void => {
      refuseCallback(options)
      const { label = null, persist = false, deviceBound } = options
      checkText('session.signIn: the subject', subject)
      if (label !== null) checkText('session.signIn: the label', label)
      checkBoolean('persist', persist, 'session.signIn')
      if (deviceBound !== undefined) checkBoolean('deviceBound', deviceBound, 'session.signIn')
      if (deviceBound === true && !this.#control.options.deviceBound) refuseUnset()
      const signIn = {
        subject,
        label,
        isPersistent: persist || undefined,
        ...(deviceBound === false && { bindsDevice: false }),
      }
      this.#control.ask('signIn', { intent: 'sign-in', signIn })
    }
  }

  get renew() {
    return (options: RenewOptions = {}): void => {
      refuseCallback(options)
      const { reauthenticated = false, withoutSubject = false } = options
      checkBoolean('reauthenticated', reauthenticated, 'session.renew')
      checkBoolean('withoutSubject', withoutSubject, 'session.renew')
      const { asked, start } = this.#control
      const isPersistent = start.record?.isPersistent
      const signIn =
        asked.signIn ?? (withoutSubject ? { subject: null, label: null, isPersistent } : null)
      this.#control.ask('renew', { intent: signIn ? 'sign-in' : 'renew', reauthenticated, signIn })
    }
  }

  get destroy() {
    return (options: DestroyOptions = {}): void => {
      refuseCallback(options)
      const header = clearSiteDataHeader(options.clearSiteData ?? [])
      this.#control.ask('destroy', { intent: 'destroy', clearSiteData: header })
    }
  }

  get discard() {
    return (): void =>
      this.#control.ask('discard', { intent: 'discard', signIn: null, reauthenticated: false })
  }

  get requireFresh() {
    return (seconds: number): void => {
      const { start, options } = this.#read()
      if (!(seconds >= 0)) throw new TypeError('session.requireFresh: give a number of seconds')
      const renewedAt = start.record?.renewedAt ?? null
      if (renewedAt === null || options.now() - renewedAt > seconds * 1000) refuseStale()
    }
  }

  get requireBound() {
    return ({ orFresh }: RequireBoundOptions = {}): void => {
      const { start, options } = this.#read()
      const fresh = orFresh === undefined ? null : () => this.requireFresh(orFresh)
      checkBound(start.device, options.deviceBound?.mode, fresh)
    }
  }

  get csrfToken() {
    return async (): Promise<string> => {
      const control = this.#read()
      const { state } = control.start
      if (state === 'unproven') refuseUnbound()
      if (state === 'unavailable' || state === 'unknown-secret') {
        throw new SessionError('unavailable', `${outages[state]}: respond with 503`)
      }
      return csrfTokenOf(control.rootForForms())
    }
  }

  get explain() {
    return (): string => {
      const { start, asked } = this.#read()
      return explain(start, asked)
    }
  }

  /**
   * For `JSON.stringify`: contains no token, id, account or value. Counts as reading, because it may end up in a
   * response.
   */
  toJSON(): object {
    this.#read()
    return this.#shown()
  }

  #shown(): object {
    const { start, data, asked } = this.#control
    return {
      state: stateOf(start.state),
      signedIn: start.record !== null && start.record.owner !== null,
      createdAt: dateOf(start.record?.createdAt),
      keys: data.keys(),
      ...(asked.intent === 'keep' ? {} : { asked: asked.intent }),
    }
  }

  /** What `util.inspect` and the console of Node and Bun show: the same, but it does not count as reading. */
  [inspectedBy](
    _depth: number,
    options: object,
    inspect: (value: unknown, options: object) => string,
  ): string {
    return `Session ${inspect(this.#shown(), options)}`
  }

  get verifyCsrf() {
    return (token: unknown): Promise<boolean> => {
      const control = this.#read()
      const { record } = control.start
      const isOwn = record === null ? Promise.resolve(false) : isCsrfTokenOf(record.root, token)
      return untilHeard(control, isOwn)
    }
  }
}

/** The session that the handler gets. It records what the handler asks for in `control`. */
export function createHandlerSession(control: SessionControl): Session<object> {
  return Object.freeze(new HandlerSession(control))
}

/** The members of a session, without those that JavaScript defines for every object. */
export const sessionMembers: readonly string[] = Object.getOwnPropertyNames(
  HandlerSession.prototype,
).filter((name) => !['constructor', 'toJSON'].includes(name))

function stateOf(state: LoadState): SessionState {
  return state === 'live' || state === 'unavailable' || state === 'unproven' ? state : 'new'
}

function dateOf(time: number | null | undefined): Date | null {
  return time === null || time === undefined ? null : new Date(time)
}

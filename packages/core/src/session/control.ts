import type { RandomBytes } from '../crypto/random.ts'
import { randomBytes } from '../crypto/random.ts'
import type { Data, Refuse } from '../data/lazy-object.ts'
import { createView } from '../data/read-only-view.ts'
import type { DeviceBinding } from '../device/device-binding.ts'
import { movesToken } from '../rules/next-step.ts'
import { rootLength } from '../store/record.ts'
import type { AskedFor, SessionStart } from './asked-for.ts'
import type { Session } from './session.ts'
import { createHandlerSession } from './handler-session.ts'

export interface SessionOptions {
  readonly now: () => number
  readonly random: RandomBytes
  readonly deviceBound?: Pick<DeviceBinding, 'mode'> | null
}

interface Late {
  readonly destroy: () => void
  readonly refused: (what: string) => void
}

/** The commit's side of a session, never exposed to the app. */
export class SessionControl {
  readonly start: SessionStart
  readonly data: Data
  readonly options: SessionOptions
  /** The session object that the app gets. */
  readonly session: Session<object>
  asked: AskedFor = {
    intent: 'keep',
    reauthenticated: false,
    signIn: null,
    clearSiteData: null,
  }
  /** Whether the handler read the session. */
  isRead = false
  /**
   * Set if the session gets a new root: a CSRF token was made for a session without a record, or the session is
   * renewed.
   */
  newRoot: Uint8Array | null = null
  id: string | null
  #late: Late | null = null
  /** The number of `verifyCsrf` promises that are not awaited yet. */
  unheard = 0
  #refuse: Refuse | null = null
  /** Whether the app may hold the data itself, not only a view of it. */
  #isHandedOut = false
  #view: object | null = null

  constructor(start: SessionStart, data: Data, options: SessionOptions) {
    this.start = start
    this.data = data
    this.options = options
    this.id = start.id
    this.session = createHandlerSession(this)
  }

  /** Makes every later change throw through `refuse`, to which the app's data refers from then on. */
  close(refuse: Refuse): void {
    const late = this.#late
    this.#refuse = late ? (what) => (late.refused(what), refuse(what)) : refuse
    if (this.#isHandedOut) this.data.close(this.#refuse)
    this.#view = null
  }

  /** Lets `late` handle calls after the commit, for frameworks that swallow what the handler throws. */
  allowLate(late: Late): void {
    this.#late = late
    if (this.#refuse) this.close(this.#refuse)
  }

  /** The value of `session.data`: the data itself, or after `close` a view that refuses changes. */
  get object(): object {
    if (this.#refuse === null) {
      this.#isHandedOut = true
      return this.data.object
    }
    this.#view ??= createView(this.data.object, this.#refuse)
    return this.#view
  }

  /** Accepts changes again after a failed commit. */
  reopen(): void {
    this.#refuse = null
  }

  /** Records a method call. Throws if the session is closed. `destroy` cannot be overridden. */
  ask(method: string, change: Partial<AskedFor>): void {
    if (this.#refuse !== null && this.#late !== null && change.intent === 'destroy') {
      return this.#late.destroy()
    }
    this.#refuse?.(`session.${method}()`)
    const isDestroyed = this.asked.intent === 'destroy'
    this.asked = { ...this.asked, ...change, ...(isDestroyed && { intent: 'destroy' }) }
  }

  /** The root that the session has after this request. Throws if the session is closed and has no root yet. */
  rootForForms(): Uint8Array {
    const { record } = this.start
    if (record === null && this.newRoot === null) this.#refuse?.('session.csrfToken()')
    return record === null || movesToken(this.asked.intent) ? this.freshRoot() : record.root
  }

  freshRoot(): Uint8Array {
    this.newRoot ??= randomBytes(this.options.random, rootLength)
    return this.newRoot
  }
}

import type { AnySessions } from './request-session.ts'
import { RequestSession } from './request-session.ts'

/** A page may wait for other things before it asks for the session. */
const lifetime = 10_000

/** Bounds the records of what waits. Most of it may never be taken: pages behind a proxy need not ask for the session. */
const maxBytes = 16 * 2 ** 20
const maxCount = 1000

/** What proxies have left for the code behind them, in this process. */
export class Handovers {
  readonly #waiting = new Map<string, RequestSession>()
  readonly #sessions: () => AnySessions

  constructor(sessions: () => AnySessions) {
    this.#sessions = sessions
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.size
  }

  /**
   * Leaves a session for ten seconds, and returns the name to ask for it by. If too many wait, the oldest is dropped,
   * and loaded again by the code behind.
   */
  leave(session: RequestSession): string {
    const name = crypto.randomUUID()
    this.#waiting.set(name, session)
    setTimeout(() => this.#waiting.delete(name), lifetime).unref()
    const [oldest = name] = this.#waiting.keys()
    if (this.size > this.#limit) this.#waiting.delete(oldest)
    return name
  }

  /** By the largest size that a session can have, so that none has to be measured. */
  get #limit(): number {
    const { limits } = this.#sessions().describePolicy()
    return Math.min(maxCount, Math.floor(maxBytes / limits.maxBytes))
  }

  /** What the proxy left for these cookies, once. An unknown name may come from outside, or another process. */
  take(name: string | null, cookies: string | null, touch = true): RequestSession {
    const found = this.#waiting.get(name ?? '')
    if (found?.cookies === cookies) {
      this.#waiting.delete(name ?? '')
      return found
    }
    const session = new RequestSession(this.#sessions, cookies, touch)
    // The proxy asked for the session, so no shared cache may keep the response, as after any commit.
    if (name !== null) session.told = this.#sessions().lazy(null).commit()
    return session
  }
}

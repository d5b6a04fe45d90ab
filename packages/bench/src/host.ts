import { setTimeout as sleep } from 'node:timers/promises'
import type { Circumstances, Contender, Site } from './contenders/contender.ts'
import { makeData } from './contenders/session-data.ts'
import { drive, makeVisitors } from './drive/drive.ts'
import type { Jars } from './drive/drive.ts'
import { takeCookies } from './drive/jar.ts'
import { Meter } from './measure/measure.ts'
import { verify } from './measure/verify.ts'
import { standardSize } from './work.ts'
import type { Route, Work } from './work.ts'

/** One request of a visitor. */
export interface Asked {
  readonly route: Route
  readonly query?: string
  /** Null: no cookie. */
  readonly cookie: string | null
}

/** The response that the visitor got. */
export interface Seen {
  /** 0 if there was no response in time, or the server threw. */
  readonly status: number
  readonly text: string
  /** The visitor's cookie afterwards. */
  readonly cookie: string | null
  readonly milliseconds: number
}

export type HostOptions = Pick<Circumstances, 'memcached' | 'redis' | 'patient'>

/** The application of one contender, with visitors controlled from outside. */
export class Host {
  readonly #contender: Contender
  readonly #site: Site
  readonly meter: Meter
  /** Resolvers of requests that wait between reading and changing a session. */
  readonly #gate: (() => void)[]
  #jars: Jars = []
  #lanes = 0

  private constructor(contender: Contender, site: Site, meter: Meter, gate: (() => void)[]) {
    this.#contender = contender
    this.#site = site
    this.meter = meter
    this.#gate = gate
  }

  static async open(contender: Contender, options: HostOptions): Promise<Host> {
    const gate: (() => void)[] = []
    let size = standardSize
    const site = await contender.start({
      ...options,
      newData: () => makeData(size),
      gate: () => new Promise((resolve) => void gate.push(resolve)),
    })
    const meter = new Meter(site, contender.floor === null, (next) => {
      size = next
    })
    return new Host(contender, site, meter, gate)
  }

  /** Rejects if the application does not do what will be measured. */
  async verify(): Promise<null> {
    if (this.#contender.floor !== null) await verify(this.#site, this.#contender)
    return null
  }

  async makeVisitors(count: number): Promise<readonly (string | null)[]> {
    this.#jars = await makeVisitors(this.#site, count, 8)
    return this.#jars.map((jar) => jar ?? null)
  }

  async drive(work: Work, total: number, inFlight: number): Promise<null> {
    await drive(this.#site, work, this.#jars, total, inFlight)
    return null
  }

  /** Sends all requests at once. `limit`: milliseconds that a visitor waits. */
  requests(asked: readonly Asked[], limit: number): Promise<readonly Seen[]> {
    return Promise.all(asked.map((one) => this.#request(this.#lanes++, one, limit)))
  }

  async #request(lane: number, asked: Asked, limit: number): Promise<Seen> {
    const begun = performance.now()
    const nothing = (text: string): Seen => ({
      status: 0,
      text,
      cookie: asked.cookie,
      milliseconds: performance.now() - begun,
    })
    const timeout = new AbortController()
    const late = sleep(limit, null, { signal: timeout.signal }).then(
      () => nothing('no answer'),
      () => nothing(''),
    )
    const answered = this.#answer(lane, asked, begun).catch((error: Error) =>
      nothing(error.message),
    )
    const seen = await Promise.race([answered, late])
    timeout.abort()
    return seen
  }

  async #answer(lane: number, { route, query, cookie }: Asked, begun: number): Promise<Seen> {
    const answer = await this.#site.send(lane, route, cookie ?? undefined, query)
    const milliseconds = performance.now() - begun
    const after = takeCookies(cookie ?? undefined, answer.setCookies())
    return {
      status: answer.status,
      text: (await answer.text()).slice(0, 200),
      cookie: after ?? null,
      milliseconds,
    }
  }

  /** Resolves when this many requests wait at the gate, but after 5 seconds at the latest. */
  async untilHeld(count: number): Promise<null> {
    for (let tries = 0; this.#gate.length < count && tries < 500; tries++) await sleep(10)
    return null
  }

  async release(): Promise<null> {
    for (const resolve of this.#gate.splice(0)) resolve()
    return null
  }

  async close(): Promise<null> {
    await this.#site.close()
    return null
  }
}

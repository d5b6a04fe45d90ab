import type { Session } from '../../src/session/session.ts'
import type { Sessions } from '../../src/sessions/sessions.ts'
import { createDevice } from './software-device.ts'
import type { SoftwareDevice } from './software-device.ts'

const origin = 'https://app.example'

interface Instructions {
  readonly continue?: boolean
  readonly session_identifier?: string
  readonly credentials?: readonly { readonly name: string }[]
}

/** A browser that can bind sessions: it keeps cookies, and the session instructions with a key. */
export class BoundBrowser {
  /** The process that answers it. */
  sessions: Sessions<object>
  readonly cookies = new Map<string, string>()
  device: SoftwareDevice = createDevice()
  /** The value of `Secure-Session-Registration` that it was last sent. */
  offer: string | null = null
  sessionId = ''
  /** The challenge for the next refresh. */
  challenge: string | null = null
  /** `Max-Age` of the bound cookie, in seconds. The fake does not delete it then: a thief would not. */
  boundAge = 0
  /** The cookie that the browser may not miss, by the session instructions; `null`: it is not told of one. */
  boundCookie: string | null = null

  readonly path: string

  constructor(sessions: Sessions<object>, path = '/device-bound') {
    this.sessions = sessions
    this.path = path
  }

  /** Another browser with the cookies of this one, and without its key. */
  steal(): BoundBrowser {
    const thief = new BoundBrowser(this.sessions)
    for (const [name, value] of this.cookies) thief.cookies.set(name, value)
    thief.sessionId = this.sessionId
    thief.challenge = this.challenge
    thief.boundCookie = this.boundCookie
    return thief
  }

  request(path: string, headers: Record<string, string> = {}, method = 'GET'): Request {
    const Cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    return new Request(`${origin}${path}`, { method, headers: { Cookie, ...headers } })
  }

  /** One visit of the app. */
  async visit<result>(
    act: (session: Session<object>) => result | Promise<result>,
  ): Promise<result> {
    let result: unknown
    const response = await this.sessions.handle(this.request('/'), async (session) => {
      result = await act(session)
      return new Response()
    })
    this.keep(response)
    return result as result
  }

  signIn(subject = 'ada'): Promise<void> {
    return this.visit((session) => session.signIn(subject))
  }

  /** What a registration sends: `proof` in place of a right one. */
  async register(proof = this.registrationProof()): Promise<Response> {
    const response = await this.post('register', { 'Secure-Session-Response': proof })
    if (response.status === 200) await this.#follow(response)
    return response
  }

  registrationProof(): string {
    const challenge = /challenge="([^"]+)"/.exec(this.offer ?? '')?.[1] ?? ''
    return this.device.prove(challenge, { header: { jwk: this.device.jwk } })
  }

  /** A refresh, which is repeated with the challenge of a refusal, as browsers do. */
  async refresh(): Promise<Response> {
    const response = await this.#refreshTwice()
    const { status } = response
    if (status === 200) await this.#follow(response)
    // Chromium forgets the tie after any other answer than these, and after a failure of the server it does not.
    else if (status < 500) this.boundCookie = null
    return response
  }

  async #refreshTwice(): Promise<Response> {
    const first = await this.refreshWith(this.challenge && this.device.prove(this.challenge))
    if (first.status !== 403 || this.challenge === null) return first
    return this.refreshWith(this.device.prove(this.challenge))
  }

  /** Before a request Chromium refreshes only if it misses the bound cookie, whatever session that one was of. */
  async refreshIfDue(): Promise<void> {
    if (this.boundCookie !== null && !this.cookies.has(this.boundCookie)) await this.refresh()
  }

  async #follow(response: Response): Promise<void> {
    const said = (await response.clone().json()) as Instructions
    this.boundCookie = said.continue === false ? null : (said.credentials?.[0]?.name ?? null)
    this.sessionId = said.session_identifier ?? this.sessionId
  }

  refreshWith(proof: string | null): Promise<Response> {
    const name = { 'Sec-Secure-Session-Id': `"${this.sessionId}"` }
    return this.post(
      'refresh',
      proof === null ? name : { ...name, 'Secure-Session-Response': proof },
    )
  }

  /** Signs in, and does what a browser does after that. */
  async bind(subject = 'ada'): Promise<void> {
    await this.signIn(subject)
    await this.register()
    await this.refreshIfDue()
  }

  async post(step: 'register' | 'refresh', headers: Record<string, string>): Promise<Response> {
    const response = await this.sessions.deviceBinding(
      this.request(`${this.path}/${step}`, headers, 'POST'),
    )
    if (response === null) throw new Error('The path is not answered')
    this.keep(response)
    return response
  }

  keep({ headers }: Response): void {
    this.offer = headers.get('Secure-Session-Registration') ?? this.offer
    const challenge = /^"([^"]+)"/.exec(headers.get('Secure-Session-Challenge') ?? '')?.[1]
    if (challenge !== undefined) this.challenge = challenge
    for (const line of headers.getSetCookie()) {
      const [pair] = line.split(';') as [string]
      const at = pair.indexOf('=')
      if (pair.length === at + 1) this.cookies.delete(pair.slice(0, at))
      else this.cookies.set(pair.slice(0, at), pair.slice(at + 1))
      if (pair.slice(0, at).endsWith('-bound')) {
        this.boundAge = Number(/; Max-Age=(\d+)/.exec(line)?.[1])
      }
    }
  }
}

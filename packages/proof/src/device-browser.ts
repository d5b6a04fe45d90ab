import type { Session, Sessions } from '@coatcheck/core'
import { createDeviceKey } from '@coatcheck/harness/device-key'
import type { DeviceKey } from '@coatcheck/harness/device-key'

export const boundCookie = '__Host-sid-bound'

/** A browser's binding; `null` before there is one, and after the server has ended it. */
interface Tie {
  readonly id: string
  challenge: string | null
}

/** A browser that binds sessions like Chromium, or a thief with a copy of its cookies. */
export class DeviceBrowser {
  readonly cookies = new Map<string, string>()
  readonly key: DeviceKey = createDeviceKey()
  offer = ''
  tie: Tie | null = null
  /** All proofs it has sent. */
  readonly proofs: string[] = []
  /** The challenge that a response answered. */
  readonly challengeOf = new WeakMap<Response, string>()

  copyFrom(other: DeviceBrowser): void {
    this.cookies.clear()
    for (const [name, value] of other.cookies) this.cookies.set(name, value)
    this.tie = other.tie && { ...other.tie }
  }

  /** When its bound cookie expires; 0 without one. */
  get provenUntil(): number {
    return parseInt(this.cookies.get(boundCookie) ?? '0', 36)
  }

  async visit(
    sessions: Sessions<object>,
    act: (session: Session<object>) => void,
    isLost = false,
  ): Promise<string> {
    let seen = ''
    const response = await sessions.handle(this.#request('/', {}, 'GET'), (session) => {
      seen = `${session.state} ${session.device}`
      act(session)
      return new Response()
    })
    if (!isLost) this.#keep(response)
    return seen
  }

  async register(sessions: Sessions<object>, isLost: boolean): Promise<Response | null> {
    const challenge = /challenge="([^"]+)"/.exec(this.offer)?.[1] ?? 'none'
    const proof = this.key.prove(challenge, { jwk: this.key.jwk })
    const headers = { 'Secure-Session-Response': proof }
    const response = await sessions.deviceBinding(
      this.#request('/device-bound/register', headers, 'POST'),
    )
    if (response === null || isLost) return response
    if (response.status === 200) {
      const { session_identifier: id } = (await response.json()) as { session_identifier: string }
      this.tie = { id, challenge: null }
    }
    this.#keep(response)
    return response
  }

  /** One refresh, with one retry if the challenge was wrong. */
  async refresh(sessions: Sessions<object>, isLost: boolean): Promise<Response | null> {
    const first = await this.#refreshOnce(sessions, isLost)
    return first?.status === 403 && !isLost ? this.#refreshOnce(sessions, isLost) : first
  }

  async #refreshOnce(sessions: Sessions<object>, isLost: boolean): Promise<Response | null> {
    const { tie } = this
    if (tie === null) return null
    const { challenge } = tie
    const proof = challenge === null ? null : this.key.prove(challenge)
    if (proof !== null) this.proofs.push(proof)
    const response = await this.replay(sessions, proof, isLost)
    if (response !== null && challenge !== null) this.challengeOf.set(response, challenge)
    if (isLost || response === null || this.tie?.id !== tie.id) return response
    const isOver = (await response.clone().text()) === '{"continue":false}'
    const isRefused = response.status >= 400 && response.status < 500 && response.status !== 403
    if (isOver || isRefused) this.tie = null
    return response
  }

  async replay(
    sessions: Sessions<object>,
    proof: string | null,
    isLost = false,
  ): Promise<Response | null> {
    const headers = {
      'Sec-Secure-Session-Id': `"${this.tie?.id ?? ''}"`,
      ...(proof === null ? {} : { 'Secure-Session-Response': proof }),
    }
    const request = this.#request('/device-bound/refresh', headers, 'POST')
    const response = await sessions.deviceBinding(request)
    if (response !== null && !isLost) this.#keep(response)
    return response
  }

  #request(path: string, headers: Record<string, string>, method: string): Request {
    const Cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    return new Request(`https://app.example${path}`, { method, headers: { Cookie, ...headers } })
  }

  #keep({ headers }: Response): void {
    this.offer = headers.get('Secure-Session-Registration') ?? this.offer
    const challenge = /^"([^"]+)"/.exec(headers.get('Secure-Session-Challenge') ?? '')?.[1]
    if (challenge !== undefined && this.tie !== null) this.tie.challenge = challenge
    for (const line of headers.getSetCookie()) {
      const [name = '', value = ''] = (line.split(';')[0] as string).split('=')
      if (value === '') this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
  }
}

import { createDeviceKey } from './device-key.ts'

/** An app's responses to a browser that binds its session. */
export interface BoundDevice {
  /** Of the registration, of a refresh, of one with a used proof, and of one with a proof by another key. */
  readonly statuses: readonly number[]
  /** The names of the browser's cookies afterwards. */
  readonly cookies: readonly string[]
}

/**
 * Signs in by `POST` to a path, registers an in-memory key and proves it, like a browser. `origin`: the app's origin as
 * browsers see it.
 */
export async function bindDevice(
  url: string,
  signInPath: string,
  origin: string = new URL(url).origin,
): Promise<BoundDevice> {
  const key = createDeviceKey()
  const cookies = new Map<string, string>()
  let challenge = ''
  const post = async (path: string, headers: Record<string, string> = {}): Promise<Response> => {
    const Cookie = [...cookies].map((pair) => pair.join('=')).join('; ')
    const response = await fetch(new URL(path, url), {
      method: 'POST',
      redirect: 'manual',
      // As Chromium sends them, because frameworks check for cross-site requests before the app can.
      headers: { Cookie, Origin: origin, 'Sec-Fetch-Site': 'same-origin', ...headers },
    })
    for (const line of response.headers.getSetCookie()) keep(cookies, line)
    challenge = quoted(response.headers.get('Secure-Session-Challenge')) ?? challenge
    return response
  }
  const signedIn = await post(signInPath)
  const offer = signedIn.headers.get('Secure-Session-Registration') ?? ''
  const offered = quoted(offer.split(';challenge=')[1] ?? '') ?? ''
  const path = quoted(offer.split(';path=')[1] ?? '') ?? ''
  const registered = await post(path, {
    'Secure-Session-Response': key.prove(offered, { jwk: key.jwk }),
  })
  const { session_identifier: id, refresh_url: refreshUrl } =
    (await registered.json()) as Instructions
  const refresh = (proof: string): Promise<Response> =>
    post(refreshUrl, { 'Sec-Secure-Session-Id': `"${id}"`, 'Secure-Session-Response': proof })
  const proof = key.prove(challenge)
  const answers = [registered, await refresh(proof), await refresh(proof)]
  answers.push(await refresh(createDeviceKey().prove(challenge)))
  return { statuses: answers.map(({ status }) => status), cookies: [...cookies.keys()] }
}

interface Instructions {
  readonly session_identifier: string
  readonly refresh_url: string
}

function keep(cookies: Map<string, string>, line: string): void {
  const [, name = '', value = ''] = /^([^=;]*)=([^;]*)/.exec(line) ?? []
  if (value === '') cookies.delete(name)
  else cookies.set(name, value)
}

/** The quoted text at the beginning of a header. */
function quoted(header: string | null): string | undefined {
  return /^"([^"]*)"/.exec(header ?? '')?.[1]
}

import type { Contender, Site } from '../contenders/contender.ts'
import { takeCookies } from '../drive/jar.ts'
import type { Route } from '../work.ts'

/** Throws if the application does not do what will be measured. */
export async function verify(
  site: Site,
  { without = [], store, keepsId = false }: Contender,
): Promise<void> {
  let jar: string | undefined
  const ask = async (route: Route, text: string) => {
    const answer = await site.send(0, route, jar)
    const found = await answer.text()
    jar = takeCookies(jar, answer.setCookies())
    if (answer.status !== 200 || (text !== '' && found !== text)) {
      throw new Error(`${route} answers ${answer.status} ${found}, not ${text}`)
    }
  }
  await ask('untouched', 'ok')
  const none = await site.send(0, 'read', undefined)
  if (none.status !== 404) throw new Error(`Without a session, read answers ${none.status}`)
  jar = undefined
  await ask('create', '')
  const first = jar as string | undefined
  if (first === undefined) throw new Error('A new session got no cookie')
  await ask('untouched', 'ok')
  await ask('read', '0')
  await ask('change', '1')
  await ask('change', '2')
  await ask('read', '2')
  for (const route of ['sign-in', 'renew'] as const) {
    if (without.includes(route)) continue
    const before: string | undefined = jar
    await ask(route, '')
    if (!keepsId && jar === before) throw new Error(`After ${route} the cookie is the same`)
    await ask('read', '2')
  }
  await ask('sign-out', 'out')
  if (store === 'cookie') return
  const after = await site.send(0, 'read', first)
  if (after.status !== 404) throw new Error(`After the sign-out, read answers ${after.status}`)
}

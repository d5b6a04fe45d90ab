import { H3, useSession } from 'h3'
import { getIronSession, webCookies } from 'iron-session'
import { routeOf, webSite } from '../drive/web-site.ts'
import type { Circumstances, Contender, Site } from './contender.ts'
import { secret } from './session-data.ts'
import type { Data } from './session-data.ts'
import { answerWith } from './web-app.ts'

function startIron(circumstances: Circumstances): Site {
  const options = { cookieName: 'sid', password: secret }
  return webSite(async (request) => {
    const headers = new Headers()
    const session = await getIronSession<Partial<Data>>(webCookies(request, headers), options)
    return answerWith(
      routeOf(request),
      request,
      {
        data: session,
        set: (changes) => Object.assign(session, changes),
        renew: () => {},
        destroy: () => session.destroy(),
        async save(response) {
          if (session.n !== undefined) await session.save()
          for (const line of headers.getSetCookie()) response.headers.append('set-cookie', line)
          return response
        },
      },
      circumstances,
    )
  })
}

function startH3(circumstances: Circumstances): Site {
  const app = new H3()
  app.get('/:route', async (event) => {
    const session = await useSession<Partial<Data>>(event, { password: secret })
    return answerWith(
      routeOf(event.req),
      event.req,
      {
        data: session.data,
        set: (changes) => session.update(changes),
        renew: () => {},
        destroy: () => session.clear(),
        save: (response) => response,
      },
      circumstances,
    )
  })
  return webSite(app.fetch)
}

const shared = { store: 'cookie', without: ['unasked', 'renew'] } as const

export const contenders: readonly Contender[] = [
  {
    ...shared,
    name: 'iron-session',
    floor: 'web',
    packages: ['iron-session'],
    start: async (circumstances) => startIron(circumstances),
  },
  {
    ...shared,
    name: 'h3 useSession',
    floor: 'h3',
    packages: ['h3'],
    start: async (circumstances) => startH3(circumstances),
  },
]

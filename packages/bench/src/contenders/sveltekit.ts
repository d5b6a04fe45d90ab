import type * as SvelteKitSessions from 'svelte-kit-sessions'
import type { Session } from 'svelte-kit-sessions'
import { routeOf, webSite } from '../drive/web-site.ts'
import type { Circumstances, Contender, Site } from './contender.ts'
import { secret } from './session-data.ts'
import type { Data } from './session-data.ts'
import { answerWith, cookieIn } from './web-app.ts'

// The package exports its file only under the condition `svelte`, for bundlers.
const file = new URL('../../node_modules/svelte-kit-sessions/dist/index.js', import.meta.url)
const { MemoryStore, sveltekitSessionHandle } = (await import(
  file.href
)) as typeof SvelteKitSessions

/** Provides only the parts of SvelteKit that the library uses: the event's cookies and locals. */
function start(circumstances: Circumstances): Site {
  const handle = sveltekitSessionHandle({ secret, store: new MemoryStore() })
  return webSite(async (request) => {
    const lines: string[] = []
    const event = {
      request,
      locals: {} as { session: Session },
      cookies: {
        get(name: string) {
          const value = cookieIn(request, name)
          return value === undefined ? undefined : decodeURIComponent(value)
        },
        set(name: string, value: string) {
          lines.push(`${name}=${encodeURIComponent(value)}; Path=/; HttpOnly; Secure; SameSite=Lax`)
        },
        delete(name: string) {
          lines.push(`${name}=; Path=/; Max-Age=0`)
        },
      },
    }
    const resolve = () => answer(request, event.locals, circumstances)
    const response = await handle({ event, resolve } as never)
    for (const line of lines) response.headers.append('set-cookie', line)
    return response
  })
}

function answer(
  request: Request,
  locals: { session: Session },
  circumstances: Circumstances,
): Promise<Response> {
  let { session } = locals
  let isDestroyed = false
  return answerWith(
    routeOf(request),
    request,
    {
      data: session.data as Partial<Data>,
      set: (changes) => session.setData({ ...session.data, ...changes }),
      async renew() {
        const { data } = session
        session = await session.regenerate()
        await session.setData(data)
      },
      async destroy() {
        isDestroyed = true
        await session.destroy()
      },
      async save(response) {
        if (!isDestroyed) await session.save()
        return response
      },
    },
    circumstances,
  )
}

export const contenders: readonly Contender[] = [
  {
    name: 'svelte-kit-sessions, memory',
    store: 'memory',
    floor: 'web',
    packages: ['svelte-kit-sessions'],
    without: ['unasked', 'renew'],
    start: async (circumstances) => start(circumstances),
  },
]

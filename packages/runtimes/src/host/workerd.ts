import type { Ended } from '../case.ts'
import { importMiniflare, workerdOptions } from './miniflare.ts'
import type { Programs } from './programs.ts'
import type { Stage } from './stage.ts'

/** The suite and the apps of `programs/worker.ts`, in workerd. */
export interface Workerd {
  readonly fetch: (path: string, cookie?: string) => Promise<Response>
  readonly runCases: () => Promise<readonly Ended[]>
  readonly end: () => Promise<void>
}

/** Cases that run at the same time. */
const atOnce = 8

export async function startWorkerd(
  programs: Programs,
  stage: Stage,
  server: string,
): Promise<Workerd> {
  const Miniflare = await importMiniflare(programs)
  const miniflare = new Miniflare({ ...workerdOptions, script: await stage.worker(server) })
  await miniflare.ready
  const fetch = async (path: string, cookie = ''): Promise<Response> => {
    const url = `https://app.example/${path}`
    const response = await miniflare.dispatchFetch(url, { headers: { cookie } })
    // Read at once: miniflare wraps a response of undici, which cancels a body that is not being read when it is collected.
    const body = await response.arrayBuffer()
    const { status, headers } = response
    return new Response(body.byteLength === 0 ? null : body, { status, headers: [...headers] })
  }
  return {
    fetch,
    async runCases() {
      const count = (await (await fetch('count')).json()) as number
      const ended: Ended[] = []
      let next = 0
      const work = async (): Promise<void> => {
        while (next < count) {
          const at = next++
          ended[at] = (await (await fetch(`case/${at}`)).json()) as Ended
        }
      }
      await Promise.all(Array.from({ length: atOnce }, work))
      return ended
    },
    end: () => miniflare.dispose(),
  }
}

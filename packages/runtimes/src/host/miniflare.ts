import type { Programs } from './programs.ts'

/** What is used of miniflare. */
export interface Miniflare {
  readonly ready: Promise<unknown>
  dispatchFetch(url: string, init?: RequestInit): Promise<Response>
  dispose(): Promise<void>
}

interface MiniflareModule {
  readonly Miniflare: new (options: object) => Miniflare
}

/** As `wrangler init` has them for a new Worker, with Node's modules. */
export const workerdOptions = {
  modules: true,
  compatibilityDate: '2026-07-30',
  compatibilityFlags: ['nodejs_compat'],
  cf: false,
}

/** Miniflare on the workerd that was installed. */
export async function importMiniflare(programs: Programs): Promise<MiniflareModule['Miniflare']> {
  process.env['MINIFLARE_WORKERD_PATH'] = programs.workerd
  const { Miniflare } = (await import(programs.miniflare)) as MiniflareModule
  return Miniflare
}

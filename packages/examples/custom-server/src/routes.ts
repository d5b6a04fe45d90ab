import { Refusal } from './refusal.ts'

export type Handler = (request: Request, url: URL) => Response | Promise<Response>

/** By path, then by method. */
export type Routes = ReadonlyMap<string, Readonly<Record<string, Handler>>>

/** Calls the handler of a request. A HEAD is a GET whose body the server leaves out. */
export async function route(routes: Routes, request: Request): Promise<Response> {
  const url = new URL(request.url)
  const methods = routes.get(url.pathname)
  if (methods === undefined) throw new Refusal(404, 'There is no such page')
  const method = request.method === 'HEAD' ? 'GET' : request.method
  const handler = Object.hasOwn(methods, method) ? methods[method] : undefined
  if (handler !== undefined) return handler(request, url)
  const allow = Object.keys(methods).join(', ')
  throw new Refusal(405, `This answers to ${allow} only`, { Allow: allow })
}

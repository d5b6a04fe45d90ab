import { fetch } from './app.ts'
import { port } from './sessions.ts'

interface Runtime {
  serve(options: { port: number }, handler: (request: Request) => Promise<Response>): unknown
}

const { Deno } = globalThis as unknown as { Deno: Runtime }
Deno.serve({ port }, (request) => fetch(request))

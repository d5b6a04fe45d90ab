import { app } from './hono.ts'
import { port } from './sessions.ts'

interface Runtime {
  serve(options: { port: number }, fetch: typeof app.fetch): unknown
}

const { Deno } = globalThis as unknown as { Deno: Runtime }
Deno.serve({ port }, app.fetch)

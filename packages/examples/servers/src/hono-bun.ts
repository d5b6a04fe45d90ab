import { app } from './hono.ts'
import { port } from './sessions.ts'

const server = { port, fetch: app.fetch }

export default server

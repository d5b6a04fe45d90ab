import { Elysia } from 'elysia'
import { fetch } from './app.ts'
import { port } from './sessions.ts'

// The body belongs to the handler.
new Elysia().all('/*', ({ request }) => fetch(request), { parse: 'none' }).listen(port)

import { serve } from '@hono/node-server'
import { app } from './hono.ts'
import { port } from './sessions.ts'

serve({ fetch: app.fetch, port })

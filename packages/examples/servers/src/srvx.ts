import { serve } from 'srvx'
import { fetch } from './app.ts'
import { port } from './sessions.ts'

serve({ port, fetch, silent: true })

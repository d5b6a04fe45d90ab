import { app } from './hono.ts'

export default app

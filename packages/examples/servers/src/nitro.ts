import { fetch } from './app.ts'

const entry = { fetch: (request: Request) => fetch(request) }

export default entry

import { serve } from 'srvx'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { port } from './sessions.ts'

/** What a build leaves: a module that exports a fetch handler. */
interface Built {
  readonly default: { readonly fetch: (request: Request) => Response | Promise<Response> }
}

const file = pathToFileURL(resolve(process.argv[2] ?? '')).href
const { default: built } = (await import(file)) as Built
serve({ port, fetch: (request) => built.fetch(request), silent: true })

import { readFileSync } from 'node:fs'
import type { Routes } from './routes.ts'

/** The files next to the page. They cost no trip, whatever cookie is sent. */
export function assetRoutes(): Routes {
  return new Map([
    ['/style.css', { GET: file(shared('style.css'), 'text/css') }],
    ['/page.css', { GET: file(own('page.css'), 'text/css') }],
    ['/page.js', { GET: file(own('page.js'), 'text/javascript') }],
    ['/ticket.svg', { GET: file(shared('ticket.svg'), 'image/svg+xml') }],
  ])
}

/** A file that only this example has. */
function own(name: string): URL {
  return new URL(`../public/${name}`, import.meta.url)
}

/** A file that all examples share. */
function shared(name: string): URL {
  return new URL(import.meta.resolve(`@coatcheck/example-shared/${name}`))
}

function file(path: URL, type: string): () => Response {
  const text = readFileSync(path, 'utf8')
  const headers = { 'Content-Type': `${type}; charset=utf-8`, 'Cache-Control': 'no-cache' }
  return () => new Response(text, { headers })
}

import { readFileSync } from 'node:fs'
import type { Routes } from './routes.ts'

/** The files next to the page. They cost no trip, whatever cookie is sent. */
export function assetRoutes(): Routes {
  return new Map([
    ['/page.css', { GET: file('page.css', 'text/css') }],
    ['/page.js', { GET: file('page.js', 'text/javascript') }],
    ['/ticket.svg', { GET: file('ticket.svg', 'image/svg+xml') }],
  ])
}

function file(name: string, type: string): () => Response {
  const text = readFileSync(new URL(`../public/${name}`, import.meta.url), 'utf8')
  const headers = { 'Content-Type': `${type}; charset=utf-8`, 'Cache-Control': 'no-cache' }
  return () => new Response(text, { headers })
}

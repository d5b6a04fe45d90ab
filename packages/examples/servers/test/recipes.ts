import { readFileSync } from 'node:fs'

export interface Recipe {
  readonly server: string
  /** In `src/`. */
  readonly file: string
  readonly command: readonly [string, ...string[]]
}

const versionOf = (name: string): string => {
  const url = new URL(`../node_modules/${name}/package.json`, import.meta.url)
  const { version } = JSON.parse(readFileSync(url, 'utf8')) as { version: string }
  return version
}

const bin = (name: string): string =>
  new URL(`../node_modules/.bin/${name}`, import.meta.url).pathname
const onNode = (server: string, file: string): Recipe => ({
  server,
  file,
  command: [process.execPath, `src/${file}`],
})
const onBun = (server: string, file: string): Recipe => ({
  server: `${server}, Bun ${versionOf('bun')}`,
  file,
  command: [bin('bun'), `src/${file}`],
})
const onDeno = (server: string, file: string): Recipe => ({
  server: `${server}, Deno ${versionOf('deno')}`,
  file,
  command: [bin('deno'), 'run', '--allow-net', '--allow-env', '--allow-read', `src/${file}`],
})

const hono = `Hono ${versionOf('hono')}`

export const recipes: readonly Recipe[] = [
  onNode(`node:http, Node ${process.versions.node}`, 'node-http.ts'),
  onNode(`Express ${versionOf('express')}`, 'express.ts'),
  onNode(`Fastify ${versionOf('fastify')}`, 'fastify.ts'),
  onNode(`${hono}, Node`, 'hono-node.ts'),
  onBun(hono, 'hono-bun.ts'),
  onDeno(hono, 'hono-deno.ts'),
  onNode(`srvx ${versionOf('srvx')}`, 'srvx.ts'),
  onNode(`h3 ${versionOf('h3')}`, 'h3.ts'),
  onBun(`Elysia ${versionOf('elysia')}`, 'elysia.ts'),
  onBun('Bun.serve', 'bun.ts'),
  onDeno('Deno.serve', 'deno.ts'),
]

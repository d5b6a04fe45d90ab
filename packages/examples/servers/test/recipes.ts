import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface Recipe {
  readonly server: string
  /** In this package. */
  readonly file: string
  /** Runs before the server is started, in this folder. */
  readonly build?: { readonly command: readonly [string, ...string[]]; readonly folder: string }
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
  command: [process.execPath, file],
})
export const onBun = (server: string, file: string): Recipe => ({
  server: `${server}, Bun ${versionOf('bun')}`,
  file,
  command: [bin('bun'), file],
})
/** Not the script in .bin: it does not pass a signal on. */
const deno = new URL('../node_modules/deno/deno', import.meta.url).pathname
const onDeno = (server: string, file: string): Recipe => ({
  server: `${server}, Deno ${versionOf('deno')}`,
  file,
  command: [deno, 'run', '--allow-net', '--allow-env', '--allow-read', file],
})

/** With memcached over TCP, as a Worker reaches it. */
const onWorkerd = (server: string, file: string): Recipe => ({
  server: `${server}, workerd`,
  file,
  command: [
    process.execPath,
    fileURLToPath(import.meta.resolve('@coatcheck/runtimes/serve-worker')),
    file,
  ],
})

/** A server that is built in its folder, and then run by Node. */
const built = (
  server: string,
  file: string,
  build: readonly [folder: string, program: string],
  run: readonly string[],
): Recipe => {
  const [folder, program] = build
  return {
    server,
    file,
    build: { command: [bin(program), 'build'], folder },
    command: [process.execPath, ...run],
  }
}

const hono = `Hono ${versionOf('hono')}`

export const recipes: readonly Recipe[] = [
  onNode(`node:http, Node ${process.versions.node}`, 'src/node-http.ts'),
  onNode(`Express ${versionOf('express')}`, 'src/express.ts'),
  onNode(`Fastify ${versionOf('fastify')}`, 'src/fastify.ts'),
  onNode(`${hono}, Node`, 'src/hono-node.ts'),
  onBun(hono, 'src/hono-bun.ts'),
  onDeno(hono, 'src/hono-deno.ts'),
  onWorkerd(hono, 'src/hono-workerd.ts'),
  onNode(`srvx ${versionOf('srvx')}`, 'src/srvx.ts'),
  onNode(`h3 ${versionOf('h3')}`, 'src/h3.ts'),
  onBun(`Elysia ${versionOf('elysia')}`, 'src/elysia.ts'),
  onBun('Bun.serve', 'src/bun.ts'),
  onDeno('Deno.serve', 'src/deno.ts'),
  built(
    `Nitro ${versionOf('nitro')}`,
    'src/nitro.ts',
    ['nitro', 'nitro'],
    ['nitro/dist/server/index.mjs'],
  ),
  built(
    `Astro ${versionOf('astro')}`,
    'astro/src/middleware.ts',
    ['astro', 'astro'],
    ['astro/dist/server/entry.mjs'],
  ),
  built(
    `TanStack Start ${versionOf('@tanstack/react-start')}`,
    'tanstack-start/src/start.ts',
    ['tanstack-start', 'vite'],
    ['src/serve-built.ts', 'tanstack-start/dist/server/server.js'],
  ),
  built(
    `SolidStart ${versionOf('@solidjs/start')}`,
    'solid-start/src/middleware.ts',
    ['solid-start', 'vite'],
    ['src/serve-built.ts', 'solid-start/dist/server/entry-server.js'],
  ),
]

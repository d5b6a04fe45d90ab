/**
 * Serves an app on workerd until it is told to end: `node serve-worker.ts FILE`. The default export of FILE has `fetch`. It
 * listens on HOST and PORT, and the app finds the other variables that it needs in `process.env`.
 */
import { build } from 'esbuild'
import { importMiniflare, workerdOptions } from './miniflare.ts'
import { installPrograms } from './programs.ts'

const [file] = process.argv.slice(2)
if (file === undefined) throw new Error('Which file? node serve-worker.ts FILE')
const { HOST, PORT, MEMCACHE_SERVERS = '', SESSION_SECRETS = '' } = process.env

const { outputFiles } = await build({
  entryPoints: [file],
  bundle: true,
  write: false,
  format: 'esm',
  conditions: ['workerd'],
  external: ['node:*', 'cloudflare:*'],
})
const Miniflare = await importMiniflare(installPrograms())
const miniflare = new Miniflare({
  ...workerdOptions,
  script: outputFiles[0]!.text,
  bindings: { MEMCACHE_SERVERS, SESSION_SECRETS },
  host: HOST,
  port: Number(PORT),
})
await miniflare.ready
process.once('SIGTERM', () => void miniflare.dispose())

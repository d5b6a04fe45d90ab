/** How to run, from the environment variables. */
export interface Environment {
  readonly host: string
  readonly port: number
  /** Memcached servers, separated by commas; null: keep the sessions in memory. */
  readonly servers: string | null
  /** The url of a Valkey or Redis, in place of memcached. */
  readonly valkey: string | null
  /** What the records are sealed with, newest first; null: none given. */
  readonly secrets: readonly string[] | null
  readonly explain: boolean
  readonly production: boolean
}

/** Throws an error that says what is wrong. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): Environment {
  const production = env['NODE_ENV'] === 'production'
  if (env['MEMCACHE_SERVERS'] && env['VALKEY_URL']) {
    throw new Error('Set MEMCACHE_SERVERS or VALKEY_URL, and not both')
  }
  return {
    host: env['HOST'] || '127.0.0.1',
    port: readPort(env['PORT'] || '3000'),
    servers: env['MEMCACHE_SERVERS'] || null,
    valkey: env['VALKEY_URL'] || null,
    secrets: env['SESSION_SECRETS']?.split(',') ?? null,
    explain: readSwitch('EXPLAIN', env['EXPLAIN'] || (production ? '0' : '1')),
    production,
  }
}

function readPort(text: string): number {
  const port = Number(text)
  if (/^\d{1,5}$/.test(text) && port < 65_536) return port
  throw new Error(`PORT must be a number from 0 to 65535, not ${text}`)
}

function readSwitch(name: string, text: string): boolean {
  if (text === '0' || text === '1') return text === '1'
  throw new Error(`${name} must be 0 or 1, not ${text}`)
}

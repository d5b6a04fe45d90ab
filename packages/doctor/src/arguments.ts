import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { ParseArgsConfig } from 'node:util'
import type { MemcachedStoreOptions } from '@coatcheck/memcached'
import type { BenchOptions } from './bench.ts'
import type { DoctorOptions } from './diagnose.ts'

/** What the command line asks for. */
export type Order =
  | { readonly command: 'help' }
  | {
      readonly command: 'doctor'
      readonly options: DoctorOptions
      readonly json: boolean
      readonly strict: boolean
    }
  | { readonly command: 'bench'; readonly options: BenchOptions; readonly json: boolean }

/** The command line is wrong. The message says how. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export const help = `Usage:
  coatcheck doctor [servers] [options]   looks at memcached servers, and says what to do
  coatcheck bench [servers] [options]    measures them: a bounded number of records, which are removed

Servers are host, host:port, [ipv6]:port, memcached://user:password@host:port or the path of a unix socket, several with
commas or spaces between them. Default: the environment variable MEMCACHE_SERVERS, else localhost:11211.

Options of both:
  --json                 the result as JSON
  --tls                  connect with TLS
  --ca FILE              trust this certificate (PEM); implies --tls
  --cert FILE --key FILE the certificate of the client
  --servername NAME      the name in the server's certificate
  --username NAME        the login; its password is read from MEMCACHE_PASSWORD
  --protocol NAME        auto, meta or binary; default auto
  --deadline MS          until a command fails; default 1000
  --max-bytes N          maxBytes of the store, and of createSessions; default 1000000, and 65536
  --discovery            servers is the configuration endpoint of a cluster
  --proxy                the servers are proxies

Options of doctor:
  --prefix TEXT          the prefix of the store; default coatcheck:
  --session-bytes N      how large a session is, to say how many fit; default: what is stored there
  --strict               a warning is a failure as well

Options of bench:
  --sessions N           records; default 2000
  --bytes N              bytes of each; default 1000
  --concurrency N        commands at a time; default 32

Exit code: 0 nothing is wrong; 1 a fault was found, or commands failed; 2 the command line is wrong.
`

const text = { type: 'string' } as const
const flag = { type: 'boolean' } as const

const shared = {
  help: { ...flag, short: 'h' },
  json: flag,
  tls: flag,
  ca: text,
  cert: text,
  key: text,
  servername: text,
  username: text,
  protocol: text,
  deadline: text,
  'max-bytes': text,
  discovery: flag,
  proxy: flag,
} as const
const own = {
  doctor: { prefix: text, 'session-bytes': text, strict: flag },
  bench: { sessions: text, bytes: text, concurrency: text },
} as const

type Environment = Readonly<Record<string, string | undefined>>

/**
 * @throws {UsageError} if an argument is unknown, misses its value or is no number
 */
export function readArguments(args: readonly string[], env: Environment): Order {
  const [command, ...rest] = args
  if (command === undefined || command === 'help' || command === '--help' || command === '-h') {
    return { command: 'help' }
  }
  if (command !== 'doctor' && command !== 'bench') {
    // What is no word may be an address with a password.
    const named = /^\w{1,32}$/.test(command) ? `command ${command}` : 'such command'
    throw new UsageError(`There is no ${named}: use doctor or bench`)
  }
  const { values, positionals } = parse(command, rest)
  if (values['help'] === true) return { command: 'help' }
  const store = storeOptions(values, positionals, env)
  const json = values['json'] === true
  if (command === 'bench') {
    const { sessions, bytes, concurrency } = values
    const counts = defined({
      sessions: numberOf('sessions', sessions),
      bytes: numberOf('bytes', bytes),
      concurrency: numberOf('concurrency', concurrency),
    })
    return { command, options: { ...store, ...counts }, json }
  }
  const extra = defined({
    prefix: stringOf(values['prefix']),
    sessionBytes: numberOf('session-bytes', values['session-bytes']),
  })
  return { command, options: { ...store, ...extra }, json, strict: values['strict'] === true }
}

type Values = Readonly<Record<string, string | boolean | undefined>>

function parse(
  command: 'doctor' | 'bench',
  args: readonly string[],
): { readonly values: Values; readonly positionals: readonly string[] } {
  try {
    const options: NonNullable<ParseArgsConfig['options']> = { ...shared, ...own[command] }
    const parsed = parseArgs({ args: [...args], options, allowPositionals: true })
    // No option may be given more than once, so no value is a list.
    return { values: parsed.values as Values, positionals: parsed.positionals }
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function storeOptions(
  values: Values,
  servers: readonly string[],
  env: Environment,
): MemcachedStoreOptions {
  const username = stringOf(values['username'])
  const password = env['MEMCACHE_PASSWORD']
  if (username !== undefined && !password) {
    throw new UsageError('--username needs the password in MEMCACHE_PASSWORD')
  }
  const tls = tlsOptions(values)
  return {
    deadline: numberOf('deadline', values['deadline']) ?? 1000,
    ...defined({
      servers: servers.length > 0 ? servers.join(',') : undefined,
      maxBytes: numberOf('max-bytes', values['max-bytes']),
      protocol: stringOf(values['protocol']) as MemcachedStoreOptions['protocol'],
      discovery: values['discovery'] === true ? ('cluster' as const) : undefined,
      proxy: values['proxy'] === true ? true : undefined,
      tls,
      username,
      password: username === undefined ? undefined : password,
    }),
  }
}

function tlsOptions(values: Values): MemcachedStoreOptions['tls'] {
  const options = defined({
    ca: fileOf('ca', values['ca']),
    cert: fileOf('cert', values['cert']),
    key: fileOf('key', values['key']),
    servername: stringOf(values['servername']),
  })
  if (Object.keys(options).length > 0) return options
  return values['tls'] === true ? true : undefined
}

function stringOf(value: string | boolean | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function numberOf(name: string, value: string | boolean | undefined): number | undefined {
  if (typeof value !== 'string') return undefined
  if (/^\d{1,10}$/.test(value)) return Number(value)
  throw new UsageError(`--${name} must be a whole number`)
}

function fileOf(name: string, value: string | boolean | undefined): Buffer | undefined {
  if (typeof value !== 'string') return undefined
  try {
    return readFileSync(value)
  } catch (error) {
    throw new UsageError(`--${name} cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

type Defined<values> = { [name in keyof values]?: Exclude<values[name], undefined> }

function defined<values extends object>(values: values): Defined<values> {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as Defined<values>
}

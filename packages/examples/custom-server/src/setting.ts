import { readEnvironment } from './environment.ts'
import { openStore } from './open-store.ts'
import type { VisitorOptions } from './visitors.ts'

/** Where the application listens, and what its sessions are made of. */
export interface Setting {
  readonly host: string
  readonly port: number
  readonly options: VisitorOptions
  readonly close: () => void
  /** Resolves when the store answers, or has been said not to. */
  readonly check: () => Promise<void>
  /** Of the store, for the line that the server prints. */
  readonly name: string
}

/** From the environment variables. Throws an error that says what is wrong. */
export function readSetting(env: Readonly<Record<string, string | undefined>>): Setting {
  const { host, port, secrets, explain, production, ...place } = readEnvironment(env)
  const { store, name, check, close } = openStore(place)
  // createSessions requires secrets in production; for development 'none' will do.
  const sealed = secrets === null ? (production ? {} : { secrets: 'none' as const }) : { secrets }
  return {
    host,
    port,
    name,
    close,
    options: { store, ...sealed, explain, plainHttp: !production },
    check: () =>
      check().catch((error: Error) => console.error(`${error.message}. Starting all the same.`)),
  }
}

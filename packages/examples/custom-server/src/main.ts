import { createApp } from './app.ts'
import { readEnvironment } from './environment.ts'
import { openStore } from './open-store.ts'
import { listen } from './server.ts'

try {
  await main()
} catch (error) {
  console.error((error as Error).message)
  process.exit(1)
}

async function main(): Promise<void> {
  const { host, port, servers, secrets, explain, production } = readEnvironment(process.env)
  const { store, name, check, close } = openStore(servers)
  // createSessions requires secrets in production; for development 'none' will do.
  const sealed = secrets === null ? (production ? {} : { secrets: 'none' as const }) : { secrets }
  const fetch = createApp({ store, ...sealed, explain, plainHttp: !production })
  const server = await listen({ host, port, fetch })
  endOnSignal(async () => {
    await server.close()
    close()
  })
  await check().catch((error: Error) => console.error(`${error.message}. Starting all the same.`))
  console.log(`Coatcheck demo at ${server.url} (sessions in ${name})`)
}

function endOnSignal(end: () => Promise<void>): void {
  const stop = (): void => void end().then(() => process.exit(0))
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
}

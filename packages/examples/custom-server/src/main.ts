import { createApp } from './app.ts'
import { listen } from './server.ts'
import { readSetting } from './setting.ts'

try {
  await main()
} catch (error) {
  console.error((error as Error).message)
  process.exit(1)
}

async function main(): Promise<void> {
  const { host, port, name, options, check, close } = readSetting(process.env)
  const server = await listen({ host, port, fetch: createApp(options) })
  endOnSignal(async () => {
    await server.close()
    close()
  })
  await check()
  console.log(`Coatcheck demo at ${server.url} (sessions in ${name})`)
}

function endOnSignal(end: () => Promise<void>): void {
  const stop = (): void => void end().then(() => process.exit(0))
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
}

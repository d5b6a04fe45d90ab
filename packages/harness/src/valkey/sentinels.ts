import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './cluster.ts'
import { startValkey } from './process.ts'
import type { ValkeyProcess } from './process.ts'

/** A primary and two replicas, monitored by three sentinels. */
export interface ValkeySentinels {
  /** The sentinels' name for the primary. */
  readonly name: string
  readonly servers: readonly ValkeyProcess[]
  readonly sentinels: readonly ValkeyProcess[]
  /** The server that the sentinels currently consider the primary. */
  primary(): Promise<ValkeyProcess>
  end(): Promise<void>
}

const name = 'sessions'

export async function startValkeySentinels(): Promise<ValkeySentinels> {
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-sentinels-'))
  const servers: ValkeyProcess[] = []
  const sentinels: ValkeyProcess[] = []
  const end = async (): Promise<void> => {
    await Promise.all([...sentinels, ...servers].map((each) => each.end()))
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const first = await startValkey({ args: ['--repl-diskless-sync-delay', '0'] })
    servers.push(first)
    for (let at = 0; at < 2; at++) {
      servers.push(await startValkey({ args: ['--replicaof', '127.0.0.1', String(first.port)] }))
    }
    for (let at = 0; at < 3; at++) sentinels.push(await startSentinel(folder, at, first.port))
    await untilWhole(sentinels, servers)
  } catch (error) {
    await end()
    throw error
  }
  return {
    name,
    servers,
    sentinels,
    async primary() {
      const answer = await sentinels[0]!.ask('sentinel', 'get-master-addr-by-name', name)
      const port = Number((answer as readonly string[])[1])
      return servers.find((server) => server.port === port)!
    },
    end,
  }
}

function startSentinel(folder: string, at: number, primary: number): Promise<ValkeyProcess> {
  const file = join(folder, `sentinel-${at}.conf`)
  const lines = [
    `sentinel monitor ${name} 127.0.0.1 ${primary} 2`,
    `sentinel down-after-milliseconds ${name} 2000`,
    `sentinel failover-timeout ${name} 3000`,
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  return startValkey({ args: [file, '--sentinel'] })
}

async function untilWhole(
  sentinels: readonly ValkeyProcess[],
  servers: readonly ValkeyProcess[],
): Promise<void> {
  await until('the replicas are connected', async () => {
    const links = await Promise.all(['slave0', 'slave1'].map((each) => servers[0]!.info(each)))
    return links.every((link) => link.includes('state=online'))
  })
  await until('the sentinels know each other', async () => {
    const lines = await Promise.all(sentinels.map((each) => each.info('master0')))
    return lines.every((line) => /slaves=2,sentinels=3/.test(line))
  })
}

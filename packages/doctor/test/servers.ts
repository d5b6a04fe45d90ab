import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'

/** memcached, set up in ways that the doctor must tell apart. */
export interface Servers {
  readonly plain: MemcachedProcess
  readonly withoutCas: MemcachedProcess
  readonly binaryOnly: MemcachedProcess
  readonly smallItems: MemcachedProcess
  readonly withLogin: MemcachedProcess
  /** With few connections, and without evictions. */
  readonly narrow: MemcachedProcess
  /** 2 MB of memory, and the addresses 127.0.0.1 and 127.0.0.2. */
  readonly small: MemcachedProcess
  /** Its process has ended. */
  readonly down: MemcachedProcess
  end(): Promise<void>
}

export async function startServers(): Promise<Servers> {
  const folder = mkdtempSync(join(tmpdir(), 'doctor-'))
  writeFileSync(join(folder, 'users'), 'joe:secret\n')
  const start = (...args: string[]): Promise<MemcachedProcess> =>
    startMemcached({ trace: false, args })
  const servers = {
    plain: await start(),
    withoutCas: await start('-C'),
    binaryOnly: await start('-B', 'binary'),
    smallItems: await start('-I', '16k', '-o', 'slab_chunk_max=8192'),
    withLogin: await start('-Y', join(folder, 'users')),
    narrow: await start('-c', '50', '-M'),
    small: await start('-m', '2', '-l', '127.0.0.2'),
    down: await start(),
  }
  await servers.down.kill()
  return {
    ...servers,
    async end() {
      for (const server of Object.values(servers)) await server.kill()
      rmSync(folder, { recursive: true })
    },
  }
}

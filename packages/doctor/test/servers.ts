import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
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
  /** Over TLS, with `certificate`. */
  readonly tls: MemcachedProcess
  /** Its process has ended. */
  readonly down: MemcachedProcess
  /** The path of a self-signed certificate for localhost. */
  readonly certificate: string
  end(): Promise<void>
}

export async function startServers(): Promise<Servers> {
  const folder = mkdtempSync(join(tmpdir(), 'doctor-'))
  writeFileSync(join(folder, 'users'), 'joe:secret\n')
  const start = (...args: string[]): Promise<MemcachedProcess> =>
    startMemcached({ trace: false, args })
  const { certificate, key } = makeCertificate(folder)
  const servers = {
    plain: await start(),
    withoutCas: await start('-C'),
    binaryOnly: await start('-B', 'binary'),
    smallItems: await start('-I', '16k', '-o', 'slab_chunk_max=8192'),
    withLogin: await start('-Y', join(folder, 'users')),
    narrow: await start('-c', '50', '-M'),
    small: await start('-m', '2', '-l', '127.0.0.2'),
    tls: await start('-Z', '-o', `ssl_chain_cert=${certificate},ssl_key=${key}`),
    down: await start(),
  }
  await servers.down.kill()
  return {
    ...servers,
    certificate,
    async end() {
      for (const server of Object.values(servers)) await server.kill()
      rmSync(folder, { recursive: true })
    },
  }
}

function makeCertificate(folder: string): { readonly certificate: string; readonly key: string } {
  const [certificate, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  // memcached reads them as another user.
  chmodSync(folder, 0o755)
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1'
  const subject = ['-subj', '/CN=localhost', '-addext', names]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
  const files = ['-keyout', key, '-out', certificate]
  execFileSync(
    'openssl',
    ['req', '-x509', '-nodes', '-days', '2', ...curve, ...files, ...subject],
    {
      stdio: 'ignore',
    },
  )
  return { certificate, key }
}

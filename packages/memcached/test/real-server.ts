import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startMemcached } from '@coatcheck/harness/memcached'

/** A real memcached that listens in a way that the harness does not offer. */
export interface RealServer {
  /** A value for the option `servers`. */
  readonly address: string
  /** Its certificate, if it speaks TLS. */
  readonly ca: Buffer
  end(): Promise<void>
}

/** memcached over TLS, with a self-signed certificate for localhost. */
export async function startTlsServer(): Promise<RealServer> {
  const folder = mkdtempSync(join(tmpdir(), 'tls-'))
  chmodSync(folder, 0o755)
  const { cert, key } = makeCertificate(folder)
  const args = ['-Z', '-o', `ssl_chain_cert=${cert},ssl_key=${key}`]
  const memcached = await startMemcached({ trace: false, args })
  return {
    address: `localhost:${memcached.port}`,
    ca: readFileSync(cert),
    async end() {
      await memcached.kill()
      rmSync(folder, { recursive: true })
    },
  }
}

/** The paths of a new key and its self-signed certificate for localhost. */
export function makeCertificate(folder: string, name = ''): { cert: string; key: string } {
  const [cert, key] = [join(folder, `${name}cert.pem`), join(folder, `${name}key.pem`)]
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1'
  const subject = ['-subj', '/CN=localhost', '-addext', names]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
  const files = ['-keyout', key, '-out', cert]
  const command = ['req', '-x509', '-nodes', '-days', '2', ...curve, ...files, ...subject]
  execFileSync('openssl', command, { stdio: 'ignore' })
  return { cert, key }
}

/** memcached on a unix socket. */
export async function startUnixServer(): Promise<RealServer> {
  const folder = mkdtempSync(join(tmpdir(), 'unix-'))
  const path = join(folder, 'memcached.sock')
  const user = process.getuid?.() === 0 ? ['-u', 'root'] : []
  const child = spawn('memcached', ['-s', path, ...user], { stdio: 'ignore' })
  const exit = new Promise((resolve) => child.once('exit', resolve))
  for (let tries = 0; tries < 500 && !(await isListening(path)); tries++) await sleep(10)
  return {
    address: path,
    ca: Buffer.alloc(0),
    async end() {
      child.kill('SIGKILL')
      await exit
      rmSync(folder, { recursive: true })
    },
  }
}

function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.on('error', () => resolve(false))
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}

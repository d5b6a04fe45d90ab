import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'

const main = fileURLToPath(new URL('./main.ts', import.meta.url))

/** The server as a person starts it, and what it said until it ended. */
function run(env: Record<string, string>) {
  const child = spawn(process.execPath, [main], { env: { PATH: process.env['PATH'], ...env } })
  onTestFinished(() => void child.kill('SIGKILL'))
  let said = ''
  let complained = ''
  child.stdout.on('data', (chunk) => (said += String(chunk)))
  child.stderr.on('data', (chunk) => (complained += String(chunk)))
  const exit = once(child, 'close').then(([code]) => ({
    code: code as number | null,
    said,
    complained,
  }))
  return { child, exit, said: () => said }
}

async function urlOf(said: () => string): Promise<string> {
  await expect.poll(said, { timeout: 20_000 }).toContain('\n')
  return /http:\/\/\S+/.exec(said())?.[0] ?? ''
}

describe('npm start', () => {
  it('says in one line where to look and where the sessions are', async () => {
    const { child, exit, said } = run({ PORT: '0' })
    const url = await urlOf(said)
    expect((await fetch(url)).status).toBe(200)
    child.kill('SIGINT')
    const ended = await exit
    expect(ended.code).toBe(0)
    expect(ended.complained).toBe('')
    expect(ended.said).toMatch(
      /^Coatcheck demo at http:\/\/localhost:\d+ \(sessions in memory\)\n$/,
    )
  })

  it('lets a running request end after SIGTERM', async () => {
    const { child, exit, said } = run({ PORT: '0' })
    const url = await urlOf(said)
    const slowly = fetch(`${url}/api/increment?key=visits&delay=600`, { method: 'POST' })
    await fetch(`${url}/public`)
    child.kill('SIGTERM')
    expect(await (await slowly).json()).toEqual({ state: 'new', data: { visits: 1 } })
    expect((await exit).code).toBe(0)
  })

  it('says what to do when the port is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void other.close())
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const { code, complained } = await run({ PORT: String(port) }).exit
    expect(complained).toBe(`Port ${port} is in use. Choose another: PORT=${port + 1} npm start\n`)
    expect(code).toBe(1)
  })

  it('says what is wrong with its environment', async () => {
    const port = await run({ PORT: 'http' }).exit
    expect(port).toMatchObject({ code: 1, said: '' })
    expect(port.complained).toMatch(/^PORT must be [^\n]*\n$/)
    const servers = await run({ PORT: '0', MEMCACHE_SERVERS: 'local host' }).exit
    expect(servers).toMatchObject({ code: 1, said: '' })
    expect(servers.complained).toMatch(/^[^\n]*local host[^\n]*\n$/)
    const valkey = await run({ PORT: '0', VALKEY_URL: 'http://localhost' }).exit
    expect(valkey).toMatchObject({ code: 1, said: '' })
    expect(valkey.complained).toMatch(/^[^\n]*must begin with valkey:[^\n]*\n$/)
  })

  it('starts without its memcached, and says so', async () => {
    const { child, exit, said } = run({ PORT: '0', MEMCACHE_SERVERS: '127.0.0.1:1' })
    const url = await urlOf(said)
    expect((await fetch(url)).status).toBe(200)
    child.kill('SIGTERM')
    const { code, complained } = await exit
    expect(code).toBe(0)
    expect(complained).toMatch(/^No memcached: 127\.0\.0\.1:1 .*Starting all the same\.\n$/)
  })
})

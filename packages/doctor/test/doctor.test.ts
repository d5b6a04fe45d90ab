import { execFile } from 'node:child_process'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Diagnosis } from '../src/index.ts'
import { run } from '../src/run.ts'
import { lookAround } from '../src/surroundings.ts'
import { startServers } from './servers.ts'
import type { Servers } from './servers.ts'

let servers: Servers
beforeAll(async () => void (servers = await startServers()))
afterAll(() => servers.end())

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function coatcheck(line: string, env: Record<string, string> = {}): Promise<Ran> {
  let out = ''
  let err = ''
  const code = await run(line.split(' '), env, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
  })
  return { code, out, err }
}

async function diagnosisOf(line: string, env?: Record<string, string>): Promise<Diagnosis> {
  return JSON.parse((await coatcheck(`doctor --json ${line}`, env)).out) as Diagnosis
}

/** `level: what -> todo` of one check of the first server. */
function saysOf({ servers: [first] }: Diagnosis, check: string): string {
  const of = first!.findings.filter((finding) => finding.check === check)
  return of.map(({ level, what, todo }) => `${level}: ${what} -> ${todo}`).join('\n')
}

describe('coatcheck doctor', () => {
  it('finds nothing to mend at a memcached with the defaults', async () => {
    const { code, out } = await coatcheck(`doctor ${servers.plain.address}`)
    expect(code).toBe(0)
    expect(out).toContain('It speaks meta and binary.')
    expect(out).toContain('stale replace was refused')
    expect(out).toMatch(/A round trip takes [\d.]+ ms \(median of 20/)
    expect(out).toContain('About 55,879 sessions of 1,000 bytes fit.')
    expect(out).toMatch(/\n0 faults, 0 warnings, \d notes?\.\n$/)
  })

  it('gives JSON with facts', async () => {
    const diagnosis = await diagnosisOf(servers.plain.address)
    expect(diagnosis.format).toBe(1)
    const [{ facts, server } = { facts: null, server: '' }] = diagnosis.servers
    expect(server).toBe(servers.plain.address)
    const { version } = await servers.plain.stats()
    expect(facts).toMatchObject({
      version,
      protocols: ['meta', 'binary'],
      tls: false,
      login: { configured: false, required: false },
      evictions: 0,
      items: 0,
      limit: 64 * 1024 * 1024,
      maxConnections: 1024,
    })
    expect(facts?.roundTrip).toBeGreaterThan(0)
  })

  it('says that a server is down, beside one that is not', async () => {
    const line = `doctor ${servers.plain.address} ${servers.down.address}`
    const { code, out } = await coatcheck(line)
    expect(code).toBe(1)
    expect(out).toContain(`\n${servers.down.address}\n  fault    store        The connection to`)
    expect(out).toContain('ECONNREFUSED')
    expect(out).toContain('-> Start memcached there')
    expect(out).toContain('1 fault, ')
  })

  it('names -C', async () => {
    const diagnosis = await diagnosisOf(servers.withoutCas.address)
    expect(diagnosis.level).toBe('fault')
    expect(saysOf(diagnosis, 'cas')).toContain('-> Start memcached without -C.')
    expect(saysOf(diagnosis, 'store')).toMatch(/^fault: /)
  })

  it('names a protocol that the server does not speak', async () => {
    const { address } = servers.binaryOnly
    const auto = await diagnosisOf(address)
    expect(saysOf(auto, 'store')).toMatch(/^ok/)
    expect(saysOf(auto, 'protocols')).toMatch(/^note: It speaks binary, not meta/)
    const { code, out } = await coatcheck(`doctor ${address} --protocol meta`)
    expect(code).toBe(1)
    expect(out).toContain("set protocol to 'binary' or 'auto'")
  })

  it('compares the largest item with maxBytes', async () => {
    const { address } = servers.smallItems
    const small = await diagnosisOf(address)
    expect(saysOf(small, 'item size')).toMatch(/^warning: It refuses items above 16,384 bytes/)
    expect(saysOf(small, 'item size')).toContain('-> Set maxBytes to 15872')
    expect((await coatcheck(`doctor ${address}`)).code).toBe(0)
    expect((await coatcheck(`doctor ${address} --strict`)).code).toBe(1)
    const fitting = await diagnosisOf(`${address} --max-bytes 15872`)
    expect(saysOf(fitting, 'item size')).toMatch(/^ok/)
  })

  it('tells a login that is missing, wrong, right and not asked for', async () => {
    const { address } = servers.withLogin
    expect(saysOf(await diagnosisOf(address), 'store')).toMatch(
      /^fault: .*login.*MEMCACHE_PASSWORD/,
    )
    const env = { MEMCACHE_PASSWORD: 'guess' }
    const wrong = await coatcheck(`doctor ${address} --username joe`, env)
    expect([wrong.code, wrong.out.includes('guess')]).toEqual([1, false])
    const right = await coatcheck(`doctor memcached://joe:secret@${address}`)
    expect(right.code).toBe(0)
    expect(right.out).toContain('It requires the login.')
    expect(right.out).not.toContain('secret')
    const plain = await diagnosisOf(`memcached://joe:secret@${servers.plain.address}`)
    expect(saysOf(plain, 'login')).toMatch(/^warning: .*the server asks for none/)
  })

  it('connects with TLS, and says that a certificate is not trusted', async () => {
    const { tls, certificate } = servers
    const trusted = await diagnosisOf(`localhost:${tls.port} --ca ${certificate}`)
    expect(saysOf(trusted, 'tls')).toMatch(/^ok: The connection is encrypted/)
    expect(trusted.servers[0]?.facts.tls).toBe(true)
    const distrusted = await diagnosisOf(`localhost:${tls.port} --tls`)
    expect(saysOf(distrusted, 'store')).toMatch(
      /^fault: .*TLS with the server failed.* -> Trust its certificate/,
    )
    const plain = await diagnosisOf(`localhost:${tls.port} --deadline 300`)
    expect(plain.level).toBe('fault')
  })

  it('counts connections, and says that a server never evicts', async () => {
    const { port, address } = servers.narrow
    const sockets: Socket[] = []
    for (let n = 0; n < 22; n++) {
      const socket = connect(port, '127.0.0.1')
      await new Promise((resolve) => socket.once('connect', resolve))
      sockets.push(socket)
    }
    const diagnosis = await diagnosisOf(address)
    for (const socket of sockets) socket.destroy()
    expect(saysOf(diagnosis, 'connections')).toMatch(/^warning: 2\d of 30 usable .* -> Raise -c/)
    expect(saysOf(diagnosis, 'evictions')).toMatch(/^note: It evicts nothing \(-M\)/)
  })

  it('counts evictions, and how full the memory is', async () => {
    const { address } = servers.small
    for (let n = 0; n < 400; n++) await servers.small.rawSet(`filler:${n}`, Buffer.alloc(10_000))
    const diagnosis = await diagnosisOf(address)
    expect(saysOf(diagnosis, 'evictions')).toMatch(/^warning: It evicted [\d,]+ records in/)
    const { evictions } = await servers.small.stats()
    expect(diagnosis.servers[0]?.facts.evictions).toBe(Number(evictions))
    expect(saysOf(diagnosis, 'memory')).toContain('the mean size of what is there')
  })

  it('finds a server that two addresses lead to', async () => {
    const { port } = servers.small
    const { together } = await diagnosisOf(`127.0.0.1:${port},127.0.0.2:${port}`)
    expect(together.map(({ what }) => what)).toEqual([
      `127.0.0.1:${port} and 127.0.0.2:${port} seem to be one memcached: process, port and start are the same.`,
    ])
    const apart = await diagnosisOf(`${servers.plain.address},${servers.smallItems.address}`)
    expect(apart.together).toEqual([])
  })

  it('tries the port at other addresses of this host', async () => {
    const own = ['127.0.0.2', '127.0.0.3']
    const at = (server: { port: number }) =>
      lookAround({ host: '127.0.0.1', port: server.port }, own)
    const answers = { address: '127.0.0.2', isPublic: false }
    expect((await at(servers.small)).alsoAt).toEqual([answers])
    expect((await at(servers.plain)).alsoAt).toEqual([])
    expect(await lookAround({ path: '/run/memcached.sock' }, own)).toEqual({
      reach: 'this host',
      addresses: [],
      alsoAt: [],
    })
  })

  it('reads MEMCACHE_SERVERS like the store, as a command of its own', async () => {
    const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
    const env = { ...process.env, MEMCACHE_SERVERS: servers.plain.address, NODE_OPTIONS: '' }
    const { stdout } = await promisify(execFile)(process.execPath, [main, 'doctor'], { env })
    expect(stdout.split('\n')[0]).toBe(servers.plain.address)
    const down = { ...env, MEMCACHE_SERVERS: servers.down.address }
    const failed = promisify(execFile)(process.execPath, [main, 'doctor'], { env: down })
    await expect(failed).rejects.toMatchObject({ code: 1 })
  })

  it.each([
    ['nonsense', 'no command nonsense'],
    ['doctor --nonsense', '--nonsense'],
    ['doctor --deadline soon', '--deadline must be a whole number'],
    ['doctor --username joe', 'MEMCACHE_PASSWORD'],
    ['doctor --ca /nowhere', '--ca cannot be read (ENOENT)'],
    ['doctor cache:port', 'the port of'],
    ['doctor --protocol ascii', 'protocol'],
    ['bench --sessions 0', 'sessions must be a whole number'],
  ])('refuses: %s', async (line, message) => {
    const { code, out, err } = await coatcheck(line)
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain(message)
  })

  it.each([
    'memcached://joe:hunter2@cache:11211',
    'doctor memcached://joe:hunter2@cache:port',
    'doctor memcached://joe:hunter2@ca_che,:11211',
    'doctor --password=hunter2',
    'doctor --password hunter2',
    'doctor --username=joe:hunter2 cache',
  ])('does not quote a password: %s', async (line) => {
    const { code, out, err } = await coatcheck(line)
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain('coatcheck: ')
    expect(err).not.toContain('hunter2')
  })

  it('explains itself', async () => {
    for (const line of ['help', '--help', 'doctor --help', 'bench -h']) {
      expect(await coatcheck(line)).toMatchObject({ code: 0, err: '' })
    }
  })
})

describe('coatcheck bench', () => {
  it('measures the four commands, and leaves nothing', async () => {
    const before = await servers.plain.keys()
    const line = `bench ${servers.plain.address} --sessions 300 --bytes 500 --json`
    const { code, out } = await coatcheck(line)
    const result = JSON.parse(out) as { timings: { command: string; failed: number }[] }
    expect(code).toBe(0)
    expect(result).toMatchObject({ sessions: 300, bytes: 500, concurrency: 32, left: 0 })
    expect(result.timings.map(({ command, failed }) => [command, failed])).toEqual([
      ['create', 0],
      ['load', 0],
      ['save', 0],
      ['delete', 0],
    ])
    expect(await servers.plain.keys()).toEqual(before)
    const text = await coatcheck(`bench ${servers.plain.address} --sessions 10`)
    expect(text.out).toContain('All records were deleted.')
  })

  it('takes no more than a tenth of the free memory', async () => {
    const { code, err } = await coatcheck(`bench ${servers.plain.address} --sessions 9000`)
    expect(code).toBe(2)
    expect(err).toMatch(/more than a tenth of the free memory: take at most 5,5\d\d/)
  })

  it('does not begin at a server that cannot be used', async () => {
    const { code, err } = await coatcheck(`bench ${servers.down.address}`)
    expect(code).toBe(1)
    expect(err).toContain(servers.down.address)
  })
})

import type { ServerInspection, Stats } from '@coatcheck/memcached/inspect'
import { describe, expect, it } from 'vitest'
import { diagnoseServer } from '../diagnose.ts'
import type { ServerDiagnosis } from '../diagnose.ts'
import { reachOf } from '../surroundings.ts'
import type { Surroundings } from '../surroundings.ts'
import { describeDiagnosis } from '../report.ts'
import { judgeTogether } from './together.ts'

const general: Stats = {
  pid: '77',
  uptime: '100000',
  time: '1800000000',
  version: '1.6.42',
  curr_items: '1000',
  bytes: '1112000',
  limit_maxbytes: '67108864',
  evictions: '0',
  curr_connections: '10',
  max_connections: '1024',
}
const settings: Stats = {
  item_size_max: '1048576',
  cas_enabled: 'yes',
  inter: '10.0.0.7',
  udpport: '0',
}

/** An inspection of a good server, with changes. */
function inspection(
  changes: Partial<ServerInspection> = {},
  stats: { readonly general?: Stats; readonly settings?: Stats } = {},
): ServerInspection {
  return {
    server: 'cache:11211',
    endpoint: { host: 'cache', port: 11_211 },
    error: null,
    protocols: ['meta', 'binary'],
    tls: true,
    login: { configured: true, required: true },
    stats: {
      general: { ...general, ...stats.general },
      settings: { ...settings, ...stats.settings },
    },
    clockDifference: 0,
    roundTrips: [0.4, 0.5, 0.6],
    ...changes,
  }
}

const inPrivate: Surroundings = { reach: 'private network', addresses: ['10.0.0.7'], alsoAt: [] }
const here: Surroundings = { reach: 'this host', addresses: ['127.0.0.1'], alsoAt: [] }
const outside: Surroundings = { reach: 'public', addresses: ['203.0.113.9'], alsoAt: [] }
const expected = { maxBytes: 1_000_000, largestSession: 65_536, sessionBytes: undefined }

function diagnosed(found: ServerInspection, around = inPrivate): ServerDiagnosis {
  return diagnoseServer(found, around, expected)
}

/** What is not `ok`: `level check`. */
function complaints({ findings }: ServerDiagnosis): readonly string[] {
  return findings
    .filter(({ level }) => level !== 'ok')
    .map(({ level, check }) => `${level} ${check}`)
}

describe('a server', () => {
  it('with TLS and a login, in a private network, has nothing to mend', () => {
    const { level, findings } = diagnosed(inspection())
    expect(level).toBe('ok')
    expect(findings.map(({ check }) => check)).toEqual([
      'store',
      'version',
      'protocols',
      'cas',
      'round trip',
      'clock',
      'item size',
      'connections',
      'evictions',
      'memory',
      'login',
      'tls',
      'exposure',
    ])
  })

  const without = { tls: false, login: { configured: false, required: false } }

  it.each([
    ['in a private network', inPrivate, ['note login', 'note tls']],
    ['on this host', here, []],
    ['at a public address', outside, ['note login', 'warning tls', 'fault exposure']],
  ])('without TLS and login, %s', (_, around, said) => {
    expect(complaints(diagnosed(inspection(without), around))).toEqual(said)
  })

  it('with a login that crosses the network unencrypted', () => {
    expect(complaints(diagnosed(inspection({ tls: false })))).toEqual(['warning login', 'note tls'])
    expect(complaints(diagnosed(inspection({ tls: false }), here))).toEqual([])
  })

  it('that also answers at another address of this host', () => {
    const also = (address: string, isPublic: boolean): Surroundings => ({
      ...here,
      alsoAt: [{ address, isPublic }],
    })
    const open = inspection(without)
    expect(complaints(diagnosed(open, also('203.0.113.9', true)))).toEqual(['fault exposure'])
    expect(complaints(diagnosed(inspection(), also('203.0.113.9', true)))).toEqual([
      'warning exposure',
    ])
    expect(complaints(diagnosed(open, also('10.0.0.7', false)))).toEqual(['note exposure'])
  })

  it.each(['NULL', '0.0.0.0'])('that listens everywhere (%s)', (inter) => {
    expect(complaints(diagnosed(inspection({}, { settings: { inter } })))).toEqual([
      'note exposure',
    ])
  })

  it.each<[string, ServerInspection, string]>([
    ['on UDP', inspection({}, { settings: { udpport: '11211' } }), 'warning exposure'],
    ['with a clock ahead', inspection({ clockDifference: 60 }), 'warning clock'],
    ['with a clock behind', inspection({ clockDifference: -4 }), 'warning clock'],
    ['far away', inspection({ roundTrips: [9, 9, 9] }), 'note round trip'],
    ['very far away', inspection({ roundTrips: [30, 31, 32] }), 'warning round trip'],
    ['of an old version', inspection({}, { general: { version: '1.6.9' } }), 'note version'],
    ['too old', inspection({}, { general: { version: '1.4.5_4_gaa7839e' } }), 'fault version'],
    [
      'with small items',
      inspection({}, { settings: { item_size_max: '524288' } }),
      'note item size',
    ],
    [
      'with items below a session',
      inspection({}, { settings: { item_size_max: '65536' } }),
      'warning item size',
    ],
    ['that has just started', inspection({}, { general: { uptime: '60' } }), 'note uptime'],
    ['nearly full', inspection({}, { general: { bytes: '60000000' } }), 'warning memory'],
    ['that evicted', inspection({}, { general: { evictions: '3' } }), 'warning evictions'],
    ['that was full', inspection({}, { general: { store_no_memory: '3' } }), 'warning evictions'],
    [
      'that refused connections',
      inspection({}, { general: { rejected_connections: '1' } }),
      'warning connections',
    ],
    ['that tells nothing', inspection({ stats: null, clockDifference: null }), 'note version'],
  ])('%s', (_, found, said) => {
    expect(complaints(diagnosed(found))).toEqual([said])
  })

  it('with a clock that agrees, as far as whole seconds tell', () => {
    expect(complaints(diagnosed(inspection({ clockDifference: -3 })))).toEqual([])
    expect(complaints(diagnosed(inspection({ clockDifference: 3 })))).toEqual([])
  })

  it('says how many sessions fit, of the mean size or of one that is given', () => {
    const memory = (sessionBytes?: number): string | undefined =>
      diagnoseServer(inspection(), inPrivate, { ...expected, sessionBytes }).findings.find(
        ({ check }) => check === 'memory',
      )?.what
    expect(memory()).toContain('About 55,879 sessions of 1,000 bytes fit, the mean size')
    expect(memory(5000)).toMatch(/About 12,155 sessions of 5,000 bytes fit\.$/)
  })
})

describe('several servers', () => {
  it('are compared', () => {
    const one = inspection()
    const other = inspection(
      { server: 'other:11211' },
      { general: { pid: '78', version: '1.6.43', limit_maxbytes: '134217728' } },
    )
    const what = judgeTogether([one, other]).map(({ level, what }) => `${level}: ${what}`)
    expect(what).toEqual([
      'note: The servers have different versions: 1.6.42, 1.6.43.',
      'note: The servers have different memory: 64 MB, 128 MB.',
    ])
    expect(judgeTogether([one])).toEqual([])
  })

  it('in containers are not taken for one because each is the first process', () => {
    const inContainer = { general: { pid: '1' } }
    const servers = [inspection({}, inContainer), inspection({ server: 'b' }, inContainer)]
    expect(judgeTogether(servers)).toEqual([])
  })
})

it.each([
  ['127.0.0.1', 'this host'],
  ['127.9.9.9', 'this host'],
  ['::1', 'this host'],
  ['10.1.2.3', 'private network'],
  ['172.31.0.1', 'private network'],
  ['172.32.0.1', 'public'],
  ['192.168.0.1', 'private network'],
  ['100.64.0.1', 'private network'],
  ['fd00::1', 'private network'],
  ['fe80::1', 'private network'],
  ['2001:db8::1', 'public'],
  ['8.8.8.8', 'public'],
])('%s reaches: %s', (address, reach) => {
  expect(reachOf(address)).toBe(reach)
})

it('prints no control character that a server sends: a terminal would obey it', () => {
  const found = diagnosed(inspection({}, { general: { version: '1.6.42\u001b[2J\u009b31m\r\n' } }))
  const text = describeDiagnosis({ format: 1, level: 'ok', servers: [found], together: [] })
  expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
  expect(text).toContain('1.6.42?[2J')
})

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Client } from '../src/protocol/client.ts'
import { createClient } from '../src/protocol/create-client.ts'
import { startFaultProxy } from './fake-server.ts'
import type { Fault, FaultProxy } from './fake-server.ts'
import { loads, operations, runCell } from './fault-cell.ts'
import {
  altered,
  changes,
  cutRequest,
  endAfter,
  endNow,
  frozen,
  latency,
  resetAfter,
  resetNow,
  says,
  stalledRequest,
  trickle,
  twice,
  unanswered,
  withoutLast,
} from './faults.ts'
import { patient } from './patience.ts'

const host = '127.0.0.1'
const deadline = 150
const connectDeadline = 200

/** Those of `fault.test.ts`; an answer is altered in whichever protocol it is. */
const faults: Record<string, () => Fault> = {
  'a server that freezes': () => frozen,
  'answers that get lost': () => unanswered,
  'an answer after 50 ms': () => latency(50),
  'an answer after 800 ms': () => latency(800),
  'answers byte by byte': () => trickle(1),
  'answers in pieces': () => trickle(1000),
  'a reset': () => resetAfter(0),
  'a reset within an answer': () => resetAfter(5),
  'an end': () => endAfter(0),
  'an end within an answer': () => endAfter(5),
  'an answer that is cut short': () => withoutLast(1, 'end'),
  'connections that are reset': () => resetNow,
  'connections that end': () => endNow,
  'an answer twice': () => altered(twice),
  'a command that is cut': () => cutRequest(10),
  'a command that arrives in part': () => stalledRequest(10),
  'no connection left': () => says('ERROR Too many open connections\r\n'),
  'a web server': () => says('HTTP/1.1 400 Bad Request\r\n\r\n'),
  ...Object.fromEntries(
    (Object.keys(changes.meta) as (keyof typeof changes.meta)[]).map((name) => [
      `an answer changed: ${name}`,
      () =>
        altered((bytes) =>
          bytes[0] === 0x81 ? changes.binary[name](bytes) : changes.meta[name](bytes),
        ),
    ]),
  ),
}

let folder: string
const servers: Record<string, MemcachedProcess> = {}
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fault-auto-'))
  writeFileSync(join(folder, 'users'), 'joe:secret\n')
  writeFileSync(join(folder, 'memcached.conf'), 'mech_list: plain\n')
  const start = (args: string[] = [], env = {}) => startMemcached({ trace: false, args, env })
  servers['both protocols'] = await start()
  servers['binary only'] = await start(['-B', 'binary'])
  servers['an auth file'] = await start(['-Y', join(folder, 'users')])
  servers['SASL'] = await start(['-S'], { SASL_CONF_PATH: folder })
})
afterAll(async () => {
  for (const server of Object.values(servers)) await server.kill()
  rmSync(folder, { recursive: true })
})

const login = { username: 'joe', password: 'secret' }
const wrong = { username: 'joe', password: 'wrong' }

/** Whether the login is right, and what a command says once the fault is over. */
describe.each([
  ['both protocols', undefined, undefined, 'null'],
  ['binary only', undefined, undefined, 'null'],
  ['an auth file', login, login, 'null'],
  ['an auth file', login, wrong, 'auth'],
  ['an auth file', login, undefined, 'auth'],
  ['SASL', undefined, wrong, 'auth'],
  ['SASL', undefined, undefined, 'auth'],
] as const)(
  'auto, with a server of %s (right login: %o, given: %o)',
  (name, right, given, next) => {
    let proxy: FaultProxy
    let healthy: Client
    beforeAll(async () => {
      proxy = await startFaultProxy(servers[name]!.port)
      const port = next === 'auth' ? servers['both protocols']!.port : servers[name]!.port
      const known = next === 'auth' ? undefined : right
      healthy = createClient({ host, port, ...patient, ...known }, 'auto')
    })
    afterAll(async () => {
      healthy.close()
      await proxy.close()
    })

    const open = (): Client =>
      createClient({ host, port: proxy.port, deadline, connectDeadline, ...given }, 'auto')

    test.each(Object.entries(faults))('stands %s', async (_fault, make) => {
      for (const operation of operations) {
        for (const load of loads) {
          const ask = (client: Client) => finalAnswer(client, next)
          const report = await runCell(open, healthy, proxy, make(), operation, load, ask)
          const inTime = report.took < deadline + 50
          const { wrong, leaked } = report
          expect({ operation, load, wrong, inTime, next: report.next, leaked }).toEqual({
            operation,
            load,
            wrong: [],
            inTime: true,
            next,
            leaked: 0,
          })
          if (next === 'auth') expect(report.succeeded).toBe(0)
        }
      }
    })
  },
)

/** What the client says once it has noticed that the fault is over. */
async function finalAnswer(client: Client, expected: string): Promise<string> {
  let heard = ''
  for (let tries = 0; tries < 8 && heard !== expected; tries++) {
    if (tries > 0) await sleep(50)
    heard = await client.get('cell:none').then(String, ({ code }) => code as string)
  }
  return heard
}

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { SessionError } from '@coatcheck/core'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { rendezvous } from '../src/cluster/rank-by-rendezvous.ts'
import type { StoreErrorCode } from '@coatcheck/core/remote'
import { readConnectionOptions } from '../src/link/connection-options.ts'
import { readOptions } from '../src/store/read-options.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const pages = new URL('../../docs/pages/operations/', import.meta.url)
const scaling = readFileSync(new URL('scaling.md', pages), 'utf8')
const working = readFileSync(new URL('memcached.md', pages), 'utf8')

/** The rows of the tables under a heading, by the text in backticks in their first cell. */
function rows(heading: string, page = readme): ReadonlyMap<string, readonly string[]> {
  const pattern = new RegExp(`^## ${heading}\n([\\s\\S]*?)(?=^## )`, 'm')
  const section = pattern.exec(`${page}\n## `)![1]!
  const lines = section.split('\n').filter((line) => /^\| .*\|$/.test(line))
  const cells = lines.map((line) =>
    line
      .slice(1, -1)
      .split(/ \|(?: |$)/)
      .map((cell) => cell.trim()),
  )
  return new Map(cells.flatMap((row) => names(row[0]!).map((name) => [name, row] as const)))
}

function names(cell: string): string[] {
  const found = [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1]!)
  return found.length > 0 ? found : [cell]
}

const number = (text: string) => Number(/[\d,]+/.exec(text)![0].replaceAll(',', ''))

describe('the README', () => {
  afterEach(() => vi.unstubAllEnvs())

  test('S42: names every option, with its default', () => {
    vi.stubEnv('MEMCACHE_SERVERS', undefined)
    const table = rows('Options')
    const options = readOptions({})
    const connection = readConnectionOptions(options.connectionOptionsFor(options.addresses[0]!))
    const secure = readConnectionOptions({
      ...options.connectionOptionsFor(options.addresses[0]!),
      tls: true,
    })
    const said = (option: string) => table.get(option)![1]!
    expect(said('servers')).toContain(`else \`${options.addresses[0]!.name}\``)
    expect(said('prefix')).toBe(`\`${options.prefix}\``)
    expect(number(said('deadline'))).toBe(options.deadline)
    expect(number(said('deadline'))).toBe(connection.deadline)
    const connect = [connection.connectDeadline, secure.connectDeadline]
    expect(said('connectDeadline')).toBe(`${connect[0]} ms, with TLS ${connect[1]} ms`)
    expect(number(said('maxBytes'))).toBe(options.maxBytes)
    expect(number(said('maxInFlight'))).toBe(connection.maxInFlight)
    expect(said('maxQueuedBytes')).toBe(`${connection.maxQueuedBytes / 2 ** 20} MiB`)
    expect(said('protocol')).toBe(`\`${options.protocol}\``)
    expect(said('asksSecond')).toBe(`\`${options.asksSecond}\``)
    // The message about an unknown option lists all options.
    const unknown = () => readOptions({ unknown: 1 } as object)
    const known = /the options are (.*)$/.exec(messageOf(unknown))![1]!.split(', ')
    expect([...table.keys()].filter((name) => known.includes(name))).toEqual(known)
  })

  test('S42: leads to a page that has the breaker as it is', () => {
    const { deadline, failures, pause } = readOptions({ servers: 'a' })
    const table = [...rows('When memcached is slow or down', working).keys()]
    expect(table.filter((cell) => /\d/.test(cell)).map(number)).toEqual([deadline, failures, pause])
  })

  test('explains every code of an error', () => {
    const codes: Record<StoreErrorCode, true> = {
      unavailable: true,
      overloaded: true,
      protocol: true,
      config: true,
      auth: true,
      'too-large': true,
    }
    const table = [...rows('Errors').keys()].filter((name) => name !== 'code')
    expect(table).toEqual(Object.keys(codes))
  })

  test('leads to a page that says what moves when the list of servers changes', () => {
    const table = [...rows('What moves', scaling)].filter(([change]) => change.includes('→'))
    expect(table.length).toBeGreaterThan(3)
    for (const [change, [, moves, lost]] of table) {
      const [before = 0, after = 0] = [...change.matchAll(/\d+/g)].map(Number)
      const shares = moving(before, after)
      expect([change, moves]).toEqual([change, percent(shares.moved)])
      expect([change, lost]).toEqual([change, percent(shares.lost)])
    }
  })

  test('has addresses that can be read', () => {
    const examples = [...rows('Addresses, TLS, login').keys()].filter((name) => name !== 'address')
    expect(examples.length).toBeGreaterThan(5)
    const servers = examples.map((text) => (text.startsWith('{') ? weighted(text) : text))
    for (const server of servers)
      expect(readOptions({ servers: [server] }).addresses).toHaveLength(1)
  })
})

/**
 * The shares of 32,000 sessions that move, and that are lost although the second server is asked.
 */
function moving(before: number, after: number): { moved: number; lost: number } {
  const names = Array.from({ length: 12 }, (_, index) => `10.0.0.${index + 1}:11211`)
  const servers = names.map((name) => ({ name, weight: 1 }))
  const [old, next] = [before, after].map((count) => rendezvous(servers.slice(0, count)))
  let [moved, lost] = [0, 0]
  for (let index = 0; index < 32_000; index++) {
    const key = `coatcheck:${createHash('sha256').update(String(index)).digest('base64url')}`
    const ranked = next!(key)
    const [place] = old!(key)
    if (place !== ranked[0]) moved++
    if (!ranked.includes(place)) lost++
  }
  return { moved: moved / 32_000, lost: lost / 32_000 }
}

function percent(share: number): string {
  return share === 0 ? '0' : `${(100 * share).toFixed(1)} %`
}

function weighted(text: string): { address: string; weight: number } {
  const [, address = '', weight = ''] = /address: '(.*)', weight: (\d+)/.exec(text)!
  return { address, weight: Number(weight) }
}

function messageOf(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    if (error instanceof SessionError) return error.message
  }
  return ''
}

import { beforeAll, describe, expect, it } from 'vitest'
import { runScript, twoAtATime } from './children.ts'
import { plantedDeviceFaults } from './planted-device-faults.ts'
import type { PlantedFault } from './planted-fault.ts'

interface Explored {
  readonly schedules: number
  readonly broken: { readonly seed: number; readonly law: string } | null
  readonly counts: Readonly<Record<string, number>>
}

async function explore(from: number, count: number, ...args: string[]): Promise<Explored> {
  const options = ['--from', String(from), '--count', String(count), ...args]
  return JSON.parse(await runScript('device-main.ts', options)) as Explored
}

/** `node device-main.ts` explores 50,000. */
const each = 600

describe('schedules of a browser that binds its session, and of a thief with its cookies', () => {
  let found: readonly Explored[]
  beforeAll(async () => {
    found = await twoAtATime([1, 1_000_001], (from) => explore(from, each))
  }, 240_000)

  it('break no law: no thief gets a fresh bound cookie, no honest browser is locked out', () => {
    expect(found.map(({ broken, schedules }) => [broken, schedules])).toEqual([
      [null, each],
      [null, each],
    ])
  })

  it('reach every standing, of both', () => {
    const standings = [
      'live bound',
      'live pending',
      'unproven stale',
      'unavailable unbound',
      'refresh 200',
      'refresh 403',
      'refresh 503',
      'thief: live bound',
      'thief: unproven stale',
      'end: live bound',
      'end: live pending',
    ]
    const rare = standings.filter((name) => found.some(({ counts }) => (counts[name] ?? 0) < 3))
    expect(rare).toEqual([])
  })
})

async function search({ name, within }: PlantedFault): Promise<string | null> {
  const { broken } = await explore(1, within, '--plant', name)
  return broken === null ? `${name}: not within ${within} schedules` : null
}

it('the laws catch every planted fault of bound sessions', { timeout: 240_000 }, async () => {
  const missed = await twoAtATime(plantedDeviceFaults, search)
  expect(missed.filter((each) => each !== null)).toEqual([])
  expect(missed.length).toBeGreaterThan(8)
})

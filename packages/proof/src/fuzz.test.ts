import { describe, expect, it } from 'vitest'
import { longest, runScript, twoAtATime } from './children.ts'
import { valuesByLibrary, valuesOf } from './cookie-oracle.ts'
import { plantedFuzzFaults } from './planted-fuzz-faults.ts'
import type { PlantedFuzzFault } from './planted-fuzz-faults.ts'
import type { Fuzzed } from './fuzz-watch.ts'
import { bound } from './fuzz-watch.ts'

async function fuzz(what: string, count: number, ...args: string[]): Promise<Fuzzed> {
  const options = ['--what', what, '--count', String(count), ...args]
  return JSON.parse(await runScript('fuzz-main.ts', options)) as Fuzzed
}

function expectSound({ faults, slowest, memory, kinds }: Fuzzed): void {
  expect(faults).toEqual([])
  expect(slowest).toBeLessThanOrEqual(bound)
  expect(memory).toBeLessThan(400)
  expect(Math.min(...Object.values(kinds))).toBeGreaterThan(5)
}

describe.each([
  ['the slow cookie reader', valuesOf],
  ['the cookie library', valuesByLibrary],
])('%s', (_, read) => {
  it('reads what RFC 6265bis says, and nothing else', () => {
    expect(read('a=1; b=2; a = 3 ;a==', 'a')).toEqual(['1', '3', '='])
    expect(read('a;=a;\u00a0a=1;a\f=2;A=3', 'a')).toEqual([])
    expect(read('a="x y"\t', 'a')).toEqual(['"x y"'])
  })
})

describe('open', () => {
  const both = (what: string, count: number): Promise<Fuzzed[]> =>
    twoAtATime(['1', '2'], (seed) => fuzz(what, count / 2, '--seed', seed))

  it('reads 300,000 cookie headers as both of them do', { timeout: longest }, async () => {
    for (const one of await both('cookies', 300_000)) expectSound(one)
  })

  it(
    'takes 100,000 records that it did not write, and never bloats',
    { timeout: longest },
    async () => {
      for (const one of await both('bytes', 100_000)) expectSound(one)
    },
  )
})

async function search({ name, what, within }: PlantedFuzzFault): Promise<string> {
  try {
    const { faults } = await fuzz(what, within, '--plant', name)
    return faults.length > 0 ? 'found' : `${name}: not within ${within} inputs`
  } catch (error) {
    if (/heap out of memory/.test((error as Error).message)) return 'found'
    throw error
  }
}

describe('the fuzzer', () => {
  it('finds every planted fault within its number of inputs', { timeout: longest }, async () => {
    const found = await twoAtATime(plantedFuzzFaults, search)
    expect(found.filter((each) => each !== 'found')).toEqual([])
    expect(found.length).toBeGreaterThan(7)
  })
})

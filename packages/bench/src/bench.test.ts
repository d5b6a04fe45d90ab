import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { ours, raw } from './contenders/names.ts'
import type { Results } from './report/results.ts'
import { keyOf } from './work.ts'

const script = fileURLToPath(new URL('bench.ts', import.meta.url))

/** Counts and names only: what takes how long is no matter for a test. */
it('measures real contenders on a real memcached, and writes what it found', () => {
  const out = mkdtempSync(join(tmpdir(), 'coatcheck-bench-'))
  onTestFinished(() => rmSync(out, { recursive: true }))
  const options = ['--quick', '--rounds', '2', '--sample', '1', '--out', out]
  const parts = ['--parts', 'time,traffic,races']
  const only = ['--only', raw, '--only', 'Coatcheck, memcached, unsealed', '--work', 'change @64']
  const { status, stderr } = spawnSync(process.execPath, [script, ...options, ...parts, ...only], {
    encoding: 'utf8',
  })
  expect(status, stderr).toBe(0)
  const results = JSON.parse(readFileSync(join(out, 'requests.json'), 'utf8')) as Results
  const [run] = results.runs
  const names = ['web', raw, ours.unsealed]
  expect(results.contenders.map(({ name }) => name).slice(0, 3)).toEqual(names)
  const figures = run!.figures.map(({ contender, point, samples, allocated }) => ({
    contender,
    key: keyOf(point),
    samples: samples.filter(({ wall, cpu }) => wall > 0 && cpu > 0).length,
    allocates: allocated.heap > 0,
  }))
  const expected = results.contenders.map(({ name }) => ({
    contender: name,
    key: 'change @64',
    samples: 4,
    allocates: true,
  }))
  expect(figures).toEqual(expected)

  const trips = (contender: string) =>
    Object.fromEntries(
      run!.traffic
        .filter((figure) => figure.contender === contender)
        .map(({ work, trips }) => [work, trips]),
    )
  const shared = { 'no cookie': 0, read: 1, change: 2, create: 1, renew: 3 }
  expect(trips(raw)).toMatchObject({ ...shared, untouched: 0, 'sign-out': 1 })
  expect(trips(ours.unsealed)).toMatchObject({ ...shared, unasked: 0, 'sign-in': 5 })

  const races = run!.races.filter(({ contender }) => contender === ours.unsealed)
  expect(races).toEqual(
    [1, 2].map((processes) => ({
      contender: ours.unsealed,
      processes,
      confirmed: 100,
      lost: 0,
      signedOut: 50,
      revived: 0,
    })),
  )
  expect(readdirSync(out)).toEqual(expect.arrayContaining(['requests.md', 'requests-races.svg']))
}, 120_000)

it('prints how it is used, and starts nothing', () => {
  const { status, stdout } = spawnSync(process.execPath, [script, '--help'], { encoding: 'utf8' })
  expect(stdout).toMatch(/^node packages\/bench\/src\/bench\.ts \[options\]/)
  expect(status).toBe(0)
})

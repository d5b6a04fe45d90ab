import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { filesPromised, refusalOf } from './packing.ts'

const harness = fileURLToPath(new URL('..', import.meta.url))
/** Inside the repository, so that the settings of the compiler are found. */
const folder = join(harness, '.cache/packing')
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const pnpm = 'pnpm/12.21.0 npm/? node/v24.21.0'

interface Manifest {
  readonly private?: boolean
  readonly scripts?: Readonly<Record<string, string>>
  readonly publishConfig?: Readonly<Record<string, unknown>>
}

/** A package with one source, and what prepack says of it. */
function prepack(source: string, promised: string, userAgent = pnpm): readonly [number, string] {
  const files = {
    'package.json': JSON.stringify({
      type: 'module',
      publishConfig: { exports: { '.': promised } },
    }),
    'tsconfig.json': JSON.stringify({
      extends: '../../../../tsconfig.json',
      compilerOptions: { rootDir: 'src', outDir: 'dist' },
      include: ['src/*.ts'],
    }),
    'src/index.ts': source,
  }
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), text)
  }
  const env = { ...process.env, NODE_OPTIONS: '', npm_config_user_agent: userAgent }
  const args = [join(harness, 'src/prepack.ts')]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: folder,
    env,
    encoding: 'utf8',
  })
  return [status ?? -1, stdout + stderr]
}

describe('prepack', () => {
  it('builds a package before it is packed', () => {
    expect(prepack('export const one = 1', './dist/index.js')).toEqual([0, ''])
    expect(readFileSync(join(folder, 'dist/index.js'), 'utf8')).toContain('one = 1')
  })

  it('refuses a package whose build fails', () => {
    const [status, said] = prepack('export const one: string = 1', './dist/index.js')
    expect(status).toBe(1)
    expect(said).toContain('its build failed')
  })

  it('refuses a package without a file that its package.json names', () => {
    const [status, said] = prepack('export const one = 1', './dist/other.js')
    expect(status).toBe(1)
    expect(said).toContain('it has no ./dist/other.js')
  })

  it.each(['npm/11.6.0 node/v24.21.0', 'yarn/4.0.0', ''])('refuses %s', (agent) => {
    const [status, said] = prepack('export const one = 1', './dist/index.js', agent)
    expect(status).toBe(1)
    expect(said).toContain('Pack and publish with pnpm')
    expect(readdirSync(folder)).not.toContain('dist')
  })
})

it('every published package has it, and promises what its build makes', () => {
  const packages = join(harness, '..')
  const published = readdirSync(packages, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(packages, name, 'package.json'))
    .flatMap((file) => {
      try {
        return [JSON.parse(readFileSync(file, 'utf8')) as Manifest]
      } catch {
        return []
      }
    })
    .filter((manifest) => manifest.private !== true)
  expect(published.length).toBeGreaterThanOrEqual(10)
  const scripts = new Set(published.map(({ scripts }) => scripts?.['prepack']))
  expect([...scripts]).toEqual(['node ../harness/src/prepack.ts'])
  expect(published.filter((manifest) => filesPromised(manifest).length < 2)).toEqual([])
})

it('pnpm alone may pack', () => {
  expect(refusalOf(pnpm)).toBeNull()
  expect(refusalOf(undefined)).toContain('pnpm')
  expect(refusalOf('npm/11 (pnpm/12)')).toContain('pnpm')
})

import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path/posix'
import { describe, expect, it } from 'vitest'

/** From the top down. A room imports only from itself, the rooms below it, and the ground. */
const rooms = ['store', 'cluster', 'protocol', 'link']

/** Files directly in src that every room may import. */
const ground = ['check-option.ts']

/** Other packages that src may import, and what of them. */
const packages = ['@coatcheck/core', '@coatcheck/core/remote', 'memjs/lib/memjs/header.js', 'node:']

const src = new URL('../src/', import.meta.url)
const sources = new Map(
  globSync('**/*.ts', { cwd: src })
    .filter((file) => !file.endsWith('.test.ts'))
    .map((file) => [file, readFileSync(new URL(file, src), 'utf8')]),
)

describe('the rooms of the package', () => {
  it('import only from below', () => {
    expect([...sources].flatMap(([file, text]) => faultsOf(file, text))).toEqual([])
  })

  it('are the only folders, and none of them is empty', () => {
    const folders = new Set([...sources.keys()].filter((file) => file.includes('/')).map(roomOf))
    expect([...folders].sort()).toEqual(rooms.toSorted())
    const files = [...sources.keys()].filter((file) => !file.includes('/'))
    expect(files.sort()).toEqual([...ground, 'index.ts', 'inspect.ts'].sort())
  })
})

describe('the check of the rooms', () => {
  it.each([
    ['link/queue.ts', "import { createHit } from '../protocol/hit.ts'", 'protocol/hit.ts'],
    ['link/queue.ts', "import type { Hit } from '../protocol/client.ts'", 'protocol/client.ts'],
    ['link/queue.ts', "import {\n  createHit,\n} from '../protocol/hit.ts'", 'protocol/hit.ts'],
    [
      'protocol/hit.ts',
      "export { ketama } from '../cluster/rank-by-ketama.ts'",
      'cluster/rank-by-ketama.ts',
    ],
    [
      'cluster/guarded-client.ts',
      "const late = import('../store/settings.ts')",
      'store/settings.ts',
    ],
    [
      'cluster/guarded-client.ts',
      "let it: import('../store/settings.ts').Settings",
      'store/settings.ts',
    ],
    ['check-option.ts', "import type { Hit } from './protocol/client.ts'", 'protocol/client.ts'],
    ['store/settings.ts', "import '../index.ts'", 'index.ts'],
    [
      'store/settings.ts',
      "import { patient } from '../../test/patience.ts'",
      '../test/patience.ts',
    ],
    ['store/settings.ts', "import '../../../core/src/errors.ts'", '../../core/src/errors.ts'],
    ['link/queue.ts', "import { x } from '@coatcheck/core/src/x.ts'", '@coatcheck/core/src/x.ts'],
    ['link/queue.ts', "import { describeStore } from '@coatcheck/testing'", '@coatcheck/testing'],
  ])('finds in %s: %s', (file, text, imported) => {
    const planted = `${sources.get(file)!}\n${text}\n`
    expect(faultsOf(file, planted)).toEqual([`${file} imports ${imported}`])
  })
})

function faultsOf(file: string, text: string): readonly string[] {
  return importsOf(text)
    .map((path) => (path.startsWith('.') ? join(dirname(file), path) : path))
    .filter((path) => !mayImport(file, path))
    .map((path) => `${file} imports ${path}`)
}

/** Static imports and exports, types included, and `import()`. */
function importsOf(text: string): readonly string[] {
  const pattern = /^(?:import|export)\b(?:[\w\s{},*]*\bfrom)?\s*'([^']+)'|\bimport\('([^']+)'\)/gm
  return [...text.matchAll(pattern)].map(([, from, call]) => (from ?? call)!)
}

function mayImport(file: string, path: string): boolean {
  if (!sources.has(path)) {
    return packages.some((name) => path === name || (name === 'node:' && path.startsWith(name)))
  }
  if (ground.includes(path)) return true
  if (path === 'index.ts') return false
  return file === 'index.ts' || floorOf(path) >= floorOf(file)
}

/** 0 is the top; the ground is below every room. */
function floorOf(file: string): number {
  return ground.includes(file) ? rooms.length : rooms.indexOf(roomOf(file))
}

function roomOf(file: string): string {
  return file.split('/')[0]!
}

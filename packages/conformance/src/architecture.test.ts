import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const packages = fileURLToPath(new URL('../../', import.meta.url))

interface Source {
  readonly file: string
  readonly text: string
  readonly imports: readonly string[]
}

function readSource(file: string, text: string): Source {
  const imports = [...text.matchAll(/(?:from|import) '([^']+)'/g)].map(
    (match) => match[1] as string,
  )
  return { file, text, imports }
}

function sources(folder: string, keep: (file: string) => boolean = () => true): readonly Source[] {
  return readdirSync(join(packages, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.includes('node_modules'))
    .map((file) => join(folder, file).split(sep).join('/'))
    .filter(keep)
    .map((file) => readSource(file, readFileSync(join(packages, file), 'utf8')))
}

const isShipped = (file: string): boolean => !file.endsWith('.test.ts')
const core = sources('core/src', isShipped)

const pure = ['changes', 'resolvers', 'same', 'lifetime', 'next-step']
const isPure = ({ file }: Source): boolean =>
  pure.some((name) => file.endsWith(`/rules/${name}.ts`))

/** What a pure file does that it should not. */
function impurities({ file, text, imports }: Source): readonly string[] {
  const foreign = imports.filter((path) => !pure.includes(path.replace(/^\.\/|\.ts$/g, '')))
  const effects =
    text.match(/\b(async|await|Promise|Date\.now|new Date\(|Math\.random|crypto)\b/g) ?? []
  return [...foreign, ...effects].map((what) => `${file}: ${what}`)
}

/** Imports that reach into another package, or from the core to a store or an adapter. */
function trespasses({ file, imports }: Source): readonly string[] {
  const home = file.split('/')[0] as string
  return imports
    .filter((path) => {
      if (/^@coatcheck\/[^/]+\/(src|lib|dist)\b/.test(path)) return true
      if (!path.startsWith('.')) return home === 'core' && path.startsWith('@coatcheck/')
      return relative(home, join(file, '..', path)).startsWith('..')
    })
    .map((path) => `${file}: ${path}`)
}

describe('the layers', () => {
  it('the pure files import nothing but each other, and have no clock, no chance and no await', () => {
    const files = core.filter(isPure)
    expect(files).toHaveLength(pure.length)
    expect(files.flatMap(impurities)).toEqual([])
  })

  it('sealed-store.ts is the only file of the core that calls a store', () => {
    const callers = core.filter(
      ({ file, text }) =>
        /\bstore\.(load|create|save|delete)\(/.test(text) &&
        !file.endsWith('/store/sealed-store.ts'),
    )
    expect(callers.map(({ file }) => file)).toEqual([])
  })

  it('nobody reaches into another package, and the core knows no store and no adapter', () => {
    const shipped = ['core', 'memcached', 'next', 'sveltekit', 'remix']
      .filter((folder) => existsSync(join(packages, folder, 'src')))
      .flatMap((folder) => sources(`${folder}/src`, isShipped))
    expect(shipped.length).toBeGreaterThan(core.length)
    expect(shipped.flatMap(trespasses)).toEqual([])
  })

  it('S31: no store has a set', () => {
    const stores = sources('core/src', (file) => file.endsWith('/store.ts'))
    expect(stores.map(({ text }) => /^\s*set\(/m.test(text))).toEqual([false])
  })

  it('S6: nothing shipped uses Math.random or randomUUID', () => {
    const weak = core.filter(({ text }) => /Math\.random|randomUUID/.test(text))
    expect(weak.map(({ file }) => file)).toEqual([])
  })

  it('CVE-2026-39410: no cookie code trims by Unicode', () => {
    const cookie = core.filter(({ file }) => file.endsWith('/cookie.ts'))
    expect(cookie.map(({ text }) => /\.trim|\\s|decodeURI/.test(text))).toEqual([false])
  })

  it('these checks would notice', () => {
    const planted = readSource(
      'core/src/rules/lifetime.ts',
      "import { x } from '../store/sealed-store.ts'\nimport '@coatcheck/memcached'\nimport '../../../next/src/y.ts'\nDate.now()",
    )
    expect(impurities(planted)).toHaveLength(4)
    expect(trespasses(planted)).toHaveLength(2)
  })
})

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { pathOf, splitParts } from '../src/markdown.ts'
import type { Part } from '../src/markdown.ts'
import { pages } from '../src/site-map.ts'
import { startPages } from '../src/start/start-pages.ts'

const home = fileURLToPath(new URL('..', import.meta.url))
export const root = join(home, '../..')
/** Inside this package, so that imports are found. */
export const folder = join(home, '.cache/snippets')

export interface Snippet {
  /** `recipes/cart-0` */
  readonly name: string
  readonly language: string
  readonly code: string
  readonly file: string
}

/** Their programs are compiled in the application that a replay makes. */
const compiledElsewhere = startPages.flatMap(({ slug, typecheck }) =>
  typecheck === undefined ? [] : [slug],
)

/** The programs on the pages of this package, without copies: those are compiled where they are copied from. */
export function listSnippets(): readonly Snippet[] {
  return pages
    .filter(
      ({ slug, file }) => file.startsWith('packages/docs/') && !compiledElsewhere.includes(slug),
    )
    .flatMap(({ slug, file }) => {
      const blocks = splitParts(readFileSync(join(root, file), 'utf8')).filter(
        (part) => part.kind === 'code',
      )
      const own = blocks
        .filter(({ language, from }) => from === null && /^(ts|mts|tsx|js)$/.test(language))
        .map(({ language, code }, n) => toSnippet(`${slug}-${n}`, language, code))
      return [...own, ...blocks.flatMap((block) => copiedModule(slug, block))]
    })
}

/** A copied module that programs of the page import: `./sessions.mts`. */
function copiedModule(slug: string, { from, code }: Part & { kind: 'code' }): Snippet[] {
  const path = from === null ? undefined : pathOf(code)
  if (path === undefined || !/^[\w-]+\.mts$/.test(path)) return []
  return [toSnippet(join(dirname(slug), path.replace('.mts', '')), 'mts', code)]
}

function toSnippet(name: string, language: string, code: string): Snippet {
  return { name, language, code, file: join(folder, `${name}.${language}`) }
}

export function writeSnippets(snippets: readonly Snippet[]): void {
  rmSync(folder, { recursive: true, force: true })
  for (const { file, code } of snippets) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, code)
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(compiler))
}

const compiler = {
  extends: '../../../../tsconfig.json',
  compilerOptions: {
    allowJs: true,
    checkJs: false,
    composite: false,
    declaration: false,
    declarationMap: false,
    noEmit: true,
    rewriteRelativeImportExtensions: false,
    types: ['node'],
  },
  // Declarations of what the packages import without types.
  include: ['**/*', '../../../core/src/**/*.d.ts', '../../../memcached/src/**/*.d.ts'],
}

/** The exports of a program, by its name. */
export async function loadSnippet({ file }: Snippet): Promise<Record<string, unknown>> {
  return (await import(pathToFileURL(file).href)) as Record<string, unknown>
}

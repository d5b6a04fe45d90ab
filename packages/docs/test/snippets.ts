import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { splitParts } from '../src/markdown.ts'
import { pages } from '../src/site-map.ts'

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

/** The programs on the pages of this package. Those of READMEs are compiled where the READMEs are. */
export function listSnippets(): readonly Snippet[] {
  return pages
    .filter(({ file }) => file.startsWith('packages/docs/'))
    .flatMap(({ slug, file }) =>
      splitParts(readFileSync(join(root, file), 'utf8'))
        .filter((part) => part.kind === 'code' && /^(ts|tsx|js)$/.test(part.language))
        .map((part, n) => {
          const { language, code } = part as { language: string; code: string }
          const name = `${slug}-${n}`
          return { name, language, code, file: join(folder, `${name}.${language}`) }
        }),
    )
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

import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Application } from 'typedoc'
import type { TypeDocOptions } from 'typedoc'
import type { PluginOptions } from 'typedoc-plugin-markdown'
import { entries } from './site-map.ts'

export interface ReferencePage {
  readonly slug: string
  readonly text: string
}

const home = fileURLToPath(new URL('..', import.meta.url))
const root = join(home, '../..')
const out = join(home, '.cache/api')

const options: TypeDocOptions & Partial<PluginOptions> = {
  plugin: ['typedoc-plugin-markdown'],
  entryPoints: entries.map(({ file }) => join(root, file)),
  tsconfig: join(home, 'tsconfig.reference.json'),
  basePath: root,
  name: 'Coatcheck',
  readme: 'none',
  // tsc checks the sources.
  skipErrorChecking: true,
  logLevel: 'Warn',
  disableSources: true,
  excludeExternals: true,
  sort: ['alphabetical'],
  outputFileStrategy: 'modules',
  hidePageHeader: true,
  hideBreadcrumbs: true,
  hidePageTitle: true,
  parametersFormat: 'list',
  interfacePropertiesFormat: 'list',
  useCodeBlocks: true,
  expandObjects: true,
  useHTMLAnchors: true,
}

/** One page for each entry of a package, from the docstrings. Fails on anything that TypeDoc warns of. */
export async function makeReference(base: string): Promise<readonly ReferencePage[]> {
  const app = await Application.bootstrapWithPlugins(options)
  const project = await app.convert()
  if (project === undefined) throw new Error('TypeDoc could not read the sources')
  await app.outputs.writeOutput({ name: 'markdown', path: out }, project)
  if (app.logger.hasErrors() || app.logger.hasWarnings()) throw new Error('TypeDoc has warnings')
  return entries.map((entry) => ({ slug: entry.slug, text: toPage(entry, base) }))
}

function toPage({ title, file }: (typeof entries)[number], base: string): string {
  const made = madeOf(file)
  const text = readFileSync(join(out, made), 'utf8').replaceAll(
    /\]\(([^)#\s]+\.md)(#[^)]*)?\)/g,
    (_, path: string, anchor = '') => `](${base}${slugOf(made, path)}/${anchor})`,
  )
  const front = {
    title,
    description: `Every export of ${title}, with types, units, defaults and errors`,
    tableOfContents: { minHeadingLevel: 2, maxHeadingLevel: 3 },
    editUrl: false,
  }
  const lines = Object.entries(front).map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
  return `---\n${lines.join('\n')}\n---\n\n${text}`
}

/** The file that TypeDoc makes of an entry: `packages/core/src/index.ts` is `packages/core/src.md`. */
function madeOf(file: string): string {
  return file.replace(/(\/index)?\.ts$/, '.md')
}

function slugOf(from: string, path: string): string {
  const target = relative(out, join(out, from, '..', path))
  const entry = entries.find(({ file }) => madeOf(file) === target)
  if (entry === undefined) throw new Error(`The reference links to ${target}, which is no page`)
  return entry.slug
}

import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeReference } from './reference.ts'
import { pages } from './site-map.ts'
import { toSitePage } from './to-site-page.ts'

const home = fileURLToPath(new URL('..', import.meta.url))
const root = join(home, '../..')
const out = join(home, '.cache/pages')
const base = process.env['DOCS_BASE'] ?? '/'

await main()

/** Writes what the generator reads. */
async function main(): Promise<void> {
  const read = (file: string): string => readFileSync(join(root, file), 'utf8')
  const isFolder = (file: string): boolean => statSync(join(root, file)).isDirectory()
  rmSync(out, { recursive: true, force: true })
  for (const page of pages) write(page.slug, toSitePage(page, { pages, base, read, isFolder }))
  for (const { slug, text } of await makeReference(base)) write(slug, text)
}

function write(slug: string, text: string): void {
  const file = join(out, `${slug}.md`)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

/** Writes the copies of programs on the pages anew: `npm run programs`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withPrograms } from './markdown.ts'
import { pages } from './site-map.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const read = (file: string): string => readFileSync(join(root, file), 'utf8')

for (const { file } of pages.filter((page) => page.file.startsWith('packages/docs/'))) {
  writeFileSync(join(root, file), withPrograms(read(file), read))
}

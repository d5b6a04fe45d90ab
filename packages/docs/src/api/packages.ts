import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { reportOf } from './report.ts'
import type { Manifest } from './report.ts'

const root = fileURLToPath(new URL('../../../../', import.meta.url))

/** The folders of the packages that are published. */
export function publishedFolders(): readonly string[] {
  return readdirSync(join(root, 'packages')).filter((folder) => {
    const file = join(root, 'packages', folder, 'package.json')
    return existsSync(file) && readManifest(folder).private !== true
  })
}

function readManifest(folder: string): Manifest {
  return JSON.parse(
    readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8'),
  ) as Manifest
}

function fileOf(folder: string): string {
  return join(root, 'packages/docs/api', `${folder}.txt`)
}

/** The surface of a package as it is now. */
export function currentReport(folder: string): string {
  return reportOf(readManifest(folder), `packages/${folder}`, (path) => {
    const file = join(root, path)
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined
  })
}

/** The surface as it was last agreed to; empty if there is no report. */
export function committedReport(folder: string): string {
  return existsSync(fileOf(folder)) ? readFileSync(fileOf(folder), 'utf8') : ''
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const folder of publishedFolders()) writeFileSync(fileOf(folder), currentReport(folder))
}

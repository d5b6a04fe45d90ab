/**
 * Runs before a package is packed, in its folder: builds it, and refuses to pack it without its build, or with a tool
 * that ignores `publishConfig`, whose packages would point to the sources.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { filesPromised, refusalOf } from './packing.ts'
import type { Packed } from './packing.ts'

const folder = process.cwd()
const tsc = join(import.meta.dirname, '../../../node_modules/typescript/bin/tsc')

function fail(what: string): never {
  process.stderr.write(`${what}\n`)
  process.exit(1)
}

const refusal = refusalOf(process.env['npm_config_user_agent'])
if (refusal !== null) fail(refusal)
const { status } = spawnSync(process.execPath, [tsc, '-b', folder], { stdio: 'inherit' })
if (status !== 0) fail('The package cannot be packed: its build failed')
const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Packed
const missing = filesPromised(manifest).filter((file) => !existsSync(join(folder, file)))
if (missing.length > 0) fail(`The package cannot be packed: it has no ${missing.join(', no ')}`)

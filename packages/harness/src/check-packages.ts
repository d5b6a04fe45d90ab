/**
 * Packs every public package as npm receives it, and checks the tarball with publint and are-the-types-wrong. Run
 * it after the build.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const packages = fileURLToPath(new URL('../../', import.meta.url))

interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly homepage?: string
  readonly bugs?: string
  readonly license?: string
  readonly author?: string
  readonly keywords?: readonly string[]
  readonly repository?: { readonly url?: string; readonly directory?: string }
}

const url = 'git+https://github.com/coatcheck/coatcheck.git'
const required = ['CHANGELOG.md', 'LICENSE', 'README.md', 'dist/index.js', 'package.json']
const unwanted = /\.test\.|\.tsbuildinfo$|(^|\/)(fake|test|fixtures)[-./]/

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(packages, folder, 'package.json'), 'utf8')) as Manifest
}

function publicPackages(): readonly string[] {
  return readdirSync(packages).filter((folder) => {
    try {
      return readManifest(folder).private !== true
    } catch {
      return false
    }
  })
}

function run(cwd: string, command: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (status === 0) return stdout
  return fail(`${stdout}${stderr}\n${command} ${args.join(' ')} failed in ${cwd}`)
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}

/** The faults of the files in a tarball. */
function fileFaults(files: readonly string[]): readonly string[] {
  const missing = required.filter((file) => !files.includes(file))
  const extra = files.filter((file) => unwanted.test(file))
  return [...missing.map((file) => `${file} is missing`), ...extra.map((file) => `has ${file}`)]
}

/** The metadata missing for a package's npm page. */
function metadataFaults(folder: string): readonly string[] {
  const { homepage, bugs, license, author, keywords = [], repository } = readManifest(folder)
  const isComplete = homepage && bugs && license && author && keywords.length > 2
  return [
    ...(isComplete ? [] : ['homepage, bugs, license, author or keywords are missing']),
    ...(repository?.url === url ? [] : [`repository.url is not ${url}`]),
    ...(repository?.directory === `packages/${folder}` ? [] : ['repository.directory is wrong']),
  ]
}

for (const folder of publicPackages()) {
  const target = mkdtempSync(join(tmpdir(), 'coatcheck-pack-'))
  const cwd = join(packages, folder)
  run(cwd, 'npx', '-y', '--prefer-offline', 'pnpm@12.21.0', 'pack', '--pack-destination', target)
  const [tarball = ''] = readdirSync(target)
  const files = run(target, 'tar', '-tzf', tarball).trim().split('\n')
  const names = files.map((file) => file.replace('package/', ''))
  const faults = [...fileFaults(names), ...metadataFaults(folder)]
  if (faults.length > 0) fail(`${folder}: ${faults.join('; ')}`)
  run(cwd, 'publint', 'run', '--strict', join(target, tarball))
  run(cwd, 'attw', '--profile', 'esm-only', join(target, tarball))
  rmSync(target, { recursive: true })
  process.stdout.write(`${folder}: the tarball is valid\n`)
}

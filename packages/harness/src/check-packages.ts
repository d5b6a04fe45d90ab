/**
 * Packs every public package as npm would get it, and has publint and are-the-types-wrong look at the
 * tarball. Run after the build.
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
}

function publicPackages(): readonly string[] {
  return readdirSync(packages).filter((folder) => {
    try {
      const text = readFileSync(join(packages, folder, 'package.json'), 'utf8')
      return (JSON.parse(text) as Manifest).private !== true
    } catch {
      return false
    }
  })
}

function run(cwd: string, command: string, ...args: string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (status === 0) return
  process.stderr.write(`${stdout}${stderr}\n${command} ${args.join(' ')} failed in ${cwd}\n`)
  process.exit(1)
}

for (const folder of publicPackages()) {
  const target = mkdtempSync(join(tmpdir(), 'coatcheck-pack-'))
  const cwd = join(packages, folder)
  run(cwd, 'npx', '-y', 'pnpm@12.21.0', 'pack', '--pack-destination', target)
  const [tarball = ''] = readdirSync(target)
  run(cwd, 'publint', 'run', '--strict', join(target, tarball))
  run(cwd, 'attw', '--profile', 'esm-only', join(target, tarball))
  rmSync(target, { recursive: true })
  process.stdout.write(`${folder}: packs well\n`)
}

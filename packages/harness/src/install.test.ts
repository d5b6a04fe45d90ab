import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { findProgram } from './programs.ts'

const script = fileURLToPath(new URL('./install.ts', import.meta.url))

describe('install', () => {
  it('does nothing if the programs are installed', () => {
    const { status, stdout } = spawnSync(process.execPath, [script], { encoding: 'utf8' })
    expect(stdout).toBe(
      'memcached, chromium, a Redis or Valkey, certutil and openssl are installed.\n',
    )
    expect(status).toBe(0)
  })

  it('names only the missing programs if there is no apt-get', () => {
    const memcached = findProgram(['memcached']) as string
    const folder = mkdtempSync(join(tmpdir(), 'coatcheck-install-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    symlinkSync(memcached, join(folder, 'memcached'))
    const { status, stderr } = spawnSync(process.execPath, [script], {
      encoding: 'utf8',
      env: { PATH: folder },
    })
    expect(stderr).toMatch(/^Not on PATH: chromium, redis-server, libnss3-tools, openssl\. /)
    expect(stderr).toContain('apt-get install -y chromium redis-server libnss3-tools openssl\n')
    expect(status).toBe(1)
  })

  it('as root runs apt-get, and prints its output if that failed; otherwise does not run it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'coatcheck-install-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const aptGet = '#!/bin/sh\necho "asked: $*"\necho "E: no such package" >&2\nexit 100\n'
    writeFileSync(join(folder, 'apt-get'), aptGet, { mode: 0o755 })
    const { status, stdout, stderr } = spawnSync(process.execPath, [script], {
      encoding: 'utf8',
      env: { PATH: folder },
    })
    expect(status).toBe(1)
    if (process.getuid?.() !== 0) return expect(stderr).toContain('The tests need them')
    expect(stdout).toBe(
      'Installing memcached, chromium, redis-server, libnss3-tools, openssl with apt-get ...\n',
    )
    expect(stderr).toMatch(/asked: .* update\n/)
    expect(stderr).toMatch(
      /asked: .*Lock::Timeout=300 .* install -y --no-install-recommends memcached chromium redis-server libnss3-tools openssl\n/,
    )
    expect(stderr).toContain('E: no such package')
    expect(stderr).toContain('apt-get could not install them')
  })

  it('says what to install if it cannot do so itself', () => {
    const options = { encoding: 'utf8', env: { PATH: '/nowhere' } } as const
    const { status, stderr } = spawnSync(process.execPath, [script], options)
    expect(stderr).toContain(
      'apt-get install -y memcached chromium redis-server libnss3-tools openssl',
    )
    expect(stderr).toContain(
      'brew install memcached && brew install --cask chromium && brew install redis && brew install nss && brew install openssl',
    )
    expect(status).toBe(1)
  })
})

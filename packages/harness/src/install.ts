// Installs the programs that the tests need and npm cannot install: memcached, chromium, Redis or Valkey, and certutil
// and openssl, which make chromium trust a certificate. `npm test` runs it. It does nothing if all are installed.
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { chromiumNames, findProgram, valkeyNames } from './programs.ts'

const needed = [
  { name: 'memcached', names: ['memcached'] },
  { name: 'chromium', names: chromiumNames },
  { name: 'redis-server', names: valkeyNames },
  { name: 'libnss3-tools', names: ['certutil'] },
  { name: 'openssl', names: ['openssl'] },
]
const missing = () =>
  needed.filter(({ names }) => findProgram(names) === undefined).map(({ name }) => name)

const wanted = missing()
if (wanted.length === 0) {
  console.log('memcached, chromium, a Redis or Valkey, certutil and openssl are installed.')
} else if (process.getuid?.() === 0 && findProgram(['apt-get']) !== undefined) {
  console.log(`Installing ${wanted.join(', ')} with apt-get ...`)
  report(withoutServices(() => aptGet(wanted)))
} else {
  refuse('The tests need them', wanted)
}

function report(output: string): void {
  const still = missing()
  if (still.length === 0) return console.log(`Installed ${wanted.join(', ')} with apt-get.`)
  console.error(output)
  refuse('apt-get could not install them', still)
}

function refuse(why: string, names: readonly string[]): void {
  console.error(
    [
      `Not on PATH: ${names.join(', ')}. ${why}.`,
      `  Debian, Ubuntu: sudo apt-get update && sudo apt-get install -y ${names.join(' ')}`,
      `  macOS: ${names.map(brew).join(' && ')}`,
    ].join('\n'),
  )
  process.exitCode = 1
}

function brew(name: string): string {
  const names: Record<string, string> = {
    chromium: '--cask chromium',
    'redis-server': 'redis',
    'libnss3-tools': 'nss',
  }
  return `brew install ${names[name] ?? name}`
}

/** Returns the output of apt-get. Continues after a failed update: the existing package lists may suffice. */
function aptGet(packages: readonly string[]): string {
  const options = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3']
  const steps = [['update'], ['install', '-y', '--no-install-recommends', ...packages]]
  return steps.map((step) => run('apt-get', [...options, ...step])).join('\n')
}

function run(command: string, args: readonly string[]): string {
  const { stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    maxBuffer: 1 << 26,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return [stdout, stderr, error?.message].filter(Boolean).join('\n')
}

/** Prevents Debian from starting the service when it installs it. */
function withoutServices<result>(install: () => result): result {
  const policy = '/usr/sbin/policy-rc.d'
  if (existsSync(policy)) return install()
  writeFileSync(policy, '#!/bin/sh\n# During one installation by Coatcheck\nexit 101\n', {
    mode: 0o755,
  })
  try {
    return install()
  } finally {
    rmSync(policy, { force: true })
  }
}

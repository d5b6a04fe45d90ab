import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import type { BrowserContext } from 'playwright-core'
import { chromiumNames, findProgram } from '../programs.ts'
import { chromiumArguments } from './launch.ts'

export type { BrowserContext }

/** A certificate for some hosts, and browsers that trust it like that of any site. */
export interface TrustedHosts {
  /** In PEM. */
  readonly key: string
  readonly cert: string
  readonly ca: string
  readonly launch: (options: BrowserOptions) => Promise<BrowserContext>
  /** Removes its files. Close the browsers first. */
  readonly remove: () => void
}

/** Options of a browser with a fresh profile, for which the hosts resolve to this machine. */
export interface BrowserOptions {
  /**
   * Whether it binds sessions to devices, with a software key. `as-shipped`: it limits how often it signs proofs, and
   * asks the site whether a subdomain may bind its sessions. `true`: it does neither.
   */
  readonly boundSessions: boolean | 'as-shipped'
  /** The port on which the hosts serve https on their default port. Default: none. */
  readonly port?: number
}

/** Entries of `about://flags`, by their names in the profile; the number is the selected choice. */
function flagsFor(boundSessions: BrowserOptions['boundSessions']): readonly string[] {
  if (boundSessions === false) return []
  const choice = boundSessions === 'as-shipped' ? 1 : 2
  return [
    `enable-standard-device-bound-session-credentials@${choice}`,
    'enable-bound-session-credentials-software-keys-for-manual-testing@1',
  ]
}

/**
 * Chromium ignores device-bound sessions if certificate errors are ignored. So it gets a trusted authority in the home
 * directory with which it is started.
 */
export function trustHosts(hosts: readonly string[]): TrustedHosts {
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-trusted-'))
  const at = (name: string): string => join(folder, name)
  const p256 = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  run('openssl', [
    'req',
    '-x509',
    ...p256,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
    '-days',
    '2',
    '-subj',
    '/CN=tests of Coatcheck',
  ])
  run('openssl', [
    'req',
    ...p256,
    '-keyout',
    at('key.pem'),
    '-out',
    at('csr.pem'),
    '-subj',
    '/CN=tests',
  ])
  writeFileSync(at('names'), `subjectAltName=${hosts.map((host) => `DNS:${host}`).join(',')}`)
  run('openssl', [
    'x509',
    '-req',
    '-in',
    at('csr.pem'),
    '-CA',
    at('ca.pem'),
    '-CAkey',
    at('ca.key'),
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    at('names'),
    '-out',
    at('cert.pem'),
  ])
  const database = at('home/.pki/nssdb')
  mkdirSync(database, { recursive: true })
  run('certutil', ['-N', '--empty-password', '-d', `sql:${database}`])
  run('certutil', ['-A', '-t', 'C,,', '-n', 'tests', '-i', at('ca.pem'), '-d', `sql:${database}`])
  let profiles = 0
  return {
    key: readFileSync(at('key.pem'), 'utf8'),
    cert: readFileSync(at('cert.pem'), 'utf8'),
    ca: readFileSync(at('ca.pem'), 'utf8'),
    launch({ boundSessions, port }) {
      const profile = at(`profile-${profiles++}`)
      mkdirSync(profile)
      const state = { browser: { enabled_labs_experiments: flagsFor(boundSessions) } }
      writeFileSync(join(profile, 'Local State'), JSON.stringify(state))
      const https =
        port === undefined ? [] : hosts.map((host) => `MAP ${host}:443 127.0.0.1:${port}`)
      const rules = [...https, ...hosts.map((host) => `MAP ${host} 127.0.0.1`)].join(', ')
      return chromium.launchPersistentContext(profile, {
        executablePath: findProgram(chromiumNames) ?? 'chromium',
        env: { ...process.env, HOME: at('home') } as Record<string, string>,
        args: [...chromiumArguments, `--host-resolver-rules=${rules}`],
      })
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (status === 0) return
  throw new Error(
    `${command} failed: ${error?.message ?? stderr}. Run node packages/harness/src/install.ts`,
  )
}

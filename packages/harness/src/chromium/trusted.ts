import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import type { BrowserContext } from 'playwright-core'
import { chromiumNames, findProgram } from '../programs.ts'
import { chromiumArguments } from './launch.ts'

export type { BrowserContext }

/** A certificate for some hosts, and browsers that trust it as they trust any site's. */
export interface TrustedHosts {
  /** In PEM. */
  readonly key: string
  readonly cert: string
  readonly ca: string
  readonly launch: (options: BrowserOptions) => Promise<BrowserContext>
  /** Removes what it put on the disk. Close the browsers first. */
  readonly remove: () => void
}

/** Of a browser with a fresh profile, for which the hosts are on this machine. */
export interface BrowserOptions {
  /**
   * Whether it binds sessions to devices, with a key in software. `as-shipped`: it counts how often it proves it, and asks the
   * site whether a subdomain may bind its sessions. `true`: it does neither.
   */
  readonly boundSessions: boolean | 'as-shipped'
  /** Where the hosts have https without a port in the address. Default: nowhere. */
  readonly port?: number
}

/** `about://flags`, by their names in the profile; the number is the choice. */
function flagsFor(boundSessions: BrowserOptions['boundSessions']): readonly string[] {
  if (boundSessions === false) return []
  const choice = boundSessions === 'as-shipped' ? 1 : 2
  return [
    `enable-standard-device-bound-session-credentials@${choice}`,
    'enable-bound-session-credentials-software-keys-for-manual-testing@1',
  ]
}

/**
 * Chromium does nothing with device bound sessions if errors of a certificate are ignored: so it gets an authority that
 * it trusts, in the home that it is started with.
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

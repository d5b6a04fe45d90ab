import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The exact version for each major version that the bench knows. */
const versions: Readonly<Record<string, string>> = { 24: '24.21.0', 26: '26.10.0' }

/** The path of a Node binary of this major version, from the npm package `node`. Throws if it cannot be installed. */
export function nodeBinary(major: string): string {
  if (process.version.startsWith(`v${major}.`)) return process.execPath
  const version = versions[major]
  if (version === undefined) {
    throw new Error(`--node takes ${Object.keys(versions).join(' and ')}, not ${major}`)
  }
  const folder = fileURLToPath(new URL(`../../.cache/node-${version}`, import.meta.url))
  const binary = `${folder}/node_modules/node/bin/node`
  if (existsSync(binary)) return binary
  mkdirSync(folder, { recursive: true })
  const args = ['install', '--no-save', '--prefix', folder, `node@${version}`]
  const { status, stderr } = spawnSync('npm', args, { encoding: 'utf8' })
  if (status !== 0 || !existsSync(binary)) {
    throw new Error(`npm could not install node@${version}: ${stderr}`)
  }
  return binary
}

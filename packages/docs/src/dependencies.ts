import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { publishedFolders } from './api/packages.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const page = join(root, 'packages/docs/pages/security/dependencies.md')

const begin = '<!-- from the packages: npm --prefix packages/docs run dependencies -->\n\n'
const end = '\n\n<!-- end -->'

interface Manifest {
  readonly name: string
  readonly version: string
  readonly license?: string
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

interface Installed {
  readonly manifest: Manifest
  /** The packages that ask for it. */
  readonly by: Set<string>
}

/** The page with the table as the packages are now. */
export function withDependencies(text: string): string {
  const [before = '', rest = ''] = text.split(begin)
  const [, after] = rest.split(end)
  if (after === undefined) throw new Error(`${page} has no place for the table`)
  return `${before}${begin}${table()}${end}${after}`
}

export function readDependenciesPage(): string {
  return readFileSync(page, 'utf8')
}

/** What npm installs with the published packages, beside these: of whom, with which licence. */
function table(): string {
  const found = new Map<string, Installed>()
  for (const folder of publishedFolders()) collect(join(root, 'packages', folder), found)
  const rows = [...found.values()]
    .map(({ manifest, by }) => {
      const { name, version, license = '?', optionalDependencies = {}, scripts = {} } = manifest
      const installs = ['preinstall', 'install', 'postinstall'].some((script) => script in scripts)
      const binaries = Object.keys(optionalDependencies).length
      const native = binaries === 0 ? '' : `${binaries} prebuilt binaries, one for each platform`
      const cells = [
        `\`${name}\` ${version}`,
        license,
        [...by].toSorted().join(', '),
        native,
        installs ? 'yes' : '',
      ]
      return `| ${cells.join(' | ')} |`
    })
    .toSorted()
  const head = '| package | licence | asked for by | native code | runs code when it is installed |'
  return [head, '|---|---|---|---|---|', ...rows].join('\n')
}

function collect(folder: string, found: Map<string, Installed>): void {
  const { name, dependencies = {} } = readManifest(folder)
  for (const dependency of Object.keys(dependencies)) {
    if (dependency.startsWith('@coatcheck/')) continue
    const place = locate(folder, dependency)
    const known = found.get(place)
    if (known !== undefined) {
      known.by.add(name)
      continue
    }
    found.set(place, { manifest: readManifest(place), by: new Set([name]) })
    collect(place, found)
  }
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}

/** Where Node finds a package from a folder. */
function locate(folder: string, name: string): string {
  for (let at = realpathSync(folder); at !== dirname(at); at = dirname(at)) {
    const place = join(at, 'node_modules', name)
    if (existsSync(place)) return realpathSync(place)
  }
  throw new Error(`${name} is not installed for ${folder}`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(page, withDependencies(readDependenciesPage()))
}

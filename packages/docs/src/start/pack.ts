import { mkdirSync, mkdtempSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Env } from './shell.ts'
import { run } from './shell.ts'

/** Tarballs of our packages, by name, as npm would get them. Each is packed once. */
export class Tarballs {
  readonly #packages: string
  readonly #folder: string
  readonly #env: Env
  readonly #packed = new Map<string, Promise<string>>()

  /** `root`: of the repository. */
  constructor(root: string, folder: string, env: Env) {
    this.#packages = join(root, 'packages')
    this.#folder = folder
    this.#env = env
  }

  /** `npm install @coatcheck/next` with paths in place of our names, and of those that these depend on. */
  async inPlaceOfNames(command: string): Promise<string> {
    const named = [...command.matchAll(/@coatcheck\/([a-z-]+)/g)].map(([, name = '']) => name)
    const all = [...new Set(named.flatMap((name) => [name, ...this.#dependencies(name)]))]
    const paths: string[] = []
    for (const name of all) paths.push(await this.#pack(name))
    return [command.replaceAll(/ @coatcheck\/[a-z-]+/g, ''), ...paths].join(' ')
  }

  #dependencies(name: string): readonly string[] {
    const text = readFileSync(join(this.#packages, name, 'package.json'), 'utf8')
    const { dependencies = {} } = JSON.parse(text) as { dependencies?: Record<string, string> }
    const ours = Object.keys(dependencies).filter((each) => each.startsWith('@coatcheck/'))
    return ours.map((each) => each.replace('@coatcheck/', ''))
  }

  #pack(name: string): Promise<string> {
    const known = this.#packed.get(name) ?? this.#packNow(name)
    this.#packed.set(name, known)
    return known
  }

  async #packNow(name: string): Promise<string> {
    mkdirSync(this.#folder, { recursive: true })
    const target = mkdtempSync(join(this.#folder, `${name}-`))
    const pnpm = `npx -y pnpm@12.21.0 pack --pack-destination ${target}`
    await run(pnpm, join(this.#packages, name), this.#env)
    return join(target, readdirSync(target)[0] as string)
  }
}

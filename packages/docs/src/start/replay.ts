import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Tarballs } from './pack.ts'
import type { Env, Server } from './shell.ts'
import { run, serve } from './shell.ts'
import type { Command, Paste, Step } from './steps.ts'
import type { StartPage } from './start-pages.ts'
import type { Visit } from './sign-in.ts'
import { visitByForms } from './sign-in.ts'
import { writeTemplate } from './templates.ts'

export interface Surroundings {
  readonly tarballs: Tarballs
  /** For the applications. */
  readonly folder: string
  readonly env: Env
  /** Addresses of running stores: what a page reaches by their usual ports. */
  readonly stores: Env
  /** The newest generators with their own templates, as a reader has them. */
  readonly isLatest: boolean
}

/** What a call of curl printed, and what the page says it prints. */
export interface Asked {
  readonly command: string
  readonly printed: string
  readonly prints: string | null
}

/** What came of a page. */
export interface Replayed {
  readonly asked: readonly Asked[]
  readonly visits: readonly Visit[]
}

/** Does in an empty folder what a page says, and visits each server that it starts. */
export class Replay {
  readonly #around: Surroundings
  readonly #asked: Asked[] = []
  readonly #visits: Visit[] = []
  #folder: string
  #server: Server | null = null

  constructor(around: Surroundings, folder: string) {
    this.#around = around
    this.#folder = folder
  }

  /** `choose`: which of the commands that a line offers. */
  async follow(
    page: StartPage,
    steps: readonly Step[],
    choose: (command: Command) => string = ({ command }) => command,
  ): Promise<Replayed> {
    try {
      for (const step of steps) {
        if (step.kind === 'paste') this.#paste(step)
        else await this.#do(page, step, choose(step))
      }
    } catch (error) {
      throw new Error(`${page.slug}: ${(error as Error).message}\n${this.#server?.said() ?? ''}`, {
        cause: error,
      })
    }
    await this.#stop()
    return { asked: this.#asked.splice(0), visits: this.#visits.splice(0) }
  }

  async end(): Promise<void> {
    await this.#stop()
  }

  #paste({ path, code, isAdded }: Paste): void {
    const file = join(this.#folder, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, isAdded ? `${code}\n${readFileSync(file, 'utf8')}` : code)
  }

  async #do(page: StartPage, step: Command, command: string): Promise<void> {
    const { env, stores } = this.#around
    const all = { ...env, ...stores }
    switch (step.does) {
      case 'enter':
        this.#folder = join(this.#folder, command.replace('cd ', ''))
        return
      case 'daemon':
        // It runs, at an address that no other test has.
        return
      case 'run':
        await run(await this.#adapt(page, command), this.#folder, env)
        return
      case 'serve':
        await this.#stop()
        if (page.typecheck !== undefined) await run(page.typecheck, this.#folder, env)
        this.#server = await serve(command, this.#folder, all)
        if (page.signIn !== 'curl') {
          this.#visits.push(await visitByForms(this.#server.url, page.signIn.form))
        }
        return
      case 'ask':
        return this.#ask(step)
    }
  }

  async #ask({ command, prints }: Command): Promise<void> {
    if (this.#server === null) throw new Error(`${command}: the page has started no server`)
    const there = command
      .replace('curl ', 'curl -sS ')
      .replace(/http:\/\/localhost:\d+/, this.#server.url)
    const printed = await run(there, this.#folder, this.#around.env)
    this.#asked.push({ command, printed: printed.trim(), prints })
  }

  async #adapt({ pinned, standIn }: StartPage, command: string): Promise<string> {
    const { isLatest, tarballs } = this.#around
    if (command.includes('@coatcheck/')) return tarballs.inPlaceOfNames(command)
    if (isLatest) return command
    if (command === standIn?.generator) {
      writeTemplate(standIn.template, join(this.#folder, 'template'))
      return standIn.command
    }
    return pinned === undefined ? command : command.replace(...pinned)
  }

  async #stop(): Promise<void> {
    await this.#server?.stop()
    this.#server = null
  }
}

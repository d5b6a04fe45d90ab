/** Secrets that change while three processes serve one visitor: each deploy restarts one process after the other. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createCookieJar } from '@coatcheck/testing'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Answered, Asked } from './deployed-process.ts'

const file = fileURLToPath(new URL('deployed-process.ts', import.meta.url))
const before = 'the old secret, '.repeat(3).trim()
const after = 'the new secret, '.repeat(3).trim()

let memcached: MemcachedProcess
beforeAll(async () => void (memcached = await startMemcached()))
afterAll(() => memcached.kill())

interface Process {
  readonly ask: (asked: Asked) => Promise<Answered>
  readonly stop: () => Promise<void>
}

async function start(secrets: readonly string[]): Promise<Process> {
  const stdio = ['pipe', 'pipe', 'inherit'] as const
  const child = spawn(process.execPath, [file, memcached.address, ...secrets], {
    stdio: [...stdio],
  })
  const lines = createInterface(child.stdout!)[Symbol.asyncIterator]()
  await lines.next()
  return {
    async ask(asked) {
      child.stdin!.write(`${JSON.stringify(asked)}\n`)
      const { value } = await lines.next()
      return JSON.parse(value as string) as Answered
    },
    async stop() {
      const exit = once(child, 'exit')
      child.stdin!.end()
      await exit
    },
  }
}

/** Three processes, and one browser whose requests they take in turn. */
class Site {
  readonly #processes: Process[]
  readonly #jar = createCookieJar()
  readonly #subject: string
  #turn = 0

  constructor(processes: Process[], subject: string) {
    this.#processes = processes
    this.#subject = subject
  }

  static async start(subject: string, secrets: readonly string[]): Promise<Site> {
    return new Site(await Promise.all([1, 2, 3].map(() => start(secrets))), subject)
  }

  get cookie(): string {
    return this.#jar.header
  }

  async ask(act: Asked['act'], at: number = this.#turn++ % 3): Promise<Answered> {
    const answered = await this.#processes[at]!.ask({
      act,
      cookie: this.#jar.header,
      subject: this.#subject,
    })
    const { setCookie } = answered
    this.#jar.update(
      new Response(null, setCookie === null ? {} : { headers: { 'Set-Cookie': setCookie } }),
    )
    return answered
  }

  /** Restarts the processes one after the other, with what the visitor does in between. */
  async deploy(secrets: readonly string[], between: () => Promise<void>): Promise<void> {
    for (const at of this.#processes.keys()) {
      await this.#processes[at]!.stop()
      this.#processes[at] = await start(secrets)
      await between()
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((each) => each.stop()))
  }
}

describe('a secret that is replaced while three processes run', () => {
  it('H1: in three steps, [old, new], [new, old], [new]: no request finds anything but its session', async () => {
    const site = await Site.start('ada', [before])
    await site.ask('count')
    await site.ask('signIn')
    let count = 1
    const visit = async (): Promise<void> => {
      for (let at = 0; at < 6; at++) {
        const answered = await site.ask('count')
        expect(answered).toMatchObject({ status: 200, state: 'live', subject: 'ada', count })
        expect(answered.events.filter((each) => each !== 'commit')).toEqual([])
        count++
      }
    }
    await site.deploy([before, after], visit)
    await site.deploy([after, before], async () => {
      await visit()
      await site.ask('signIn')
    })
    await visit()
    await site.deploy([after], visit)
    await site.stop()
  })

  it('H1: put in front at once, a process without it signs no one out, and says what is wrong', async () => {
    const site = await Site.start('bea', [before])
    await site.ask('count', 0)
    await site.ask('signIn', 0)
    let restarted = 0
    await site.deploy([after, before], async () => {
      restarted++
      if (restarted !== 1) return
      const read = await site.ask('count', 0)
      expect(read).toMatchObject({ status: 200, state: 'live', subject: 'bea' })
      const { cookie } = site
      for (const [act, status] of [
        ['visit', 200],
        ['count', 200],
        ['renew', 503],
        ['destroy', 503],
      ] as const) {
        const answered = await site.ask(act, 1)
        expect([act, answered]).toMatchObject([act, { status, setCookie: null, state: 'new' }])
        expect(answered.events).toContain('record.unreadable unknown-secret')
        expect(site.cookie).toBe(cookie)
      }
      expect(await site.ask('visit', 0)).toMatchObject({ state: 'live', subject: 'bea', count: 2 })
      expect((await site.ask('visit', 2)).state).toBe('new')
    })
    for (const at of [0, 1, 2]) {
      expect(await site.ask('visit', at)).toMatchObject({ state: 'live', subject: 'bea', count: 2 })
    }
    await site.stop()
  })

  it('H1: a sign-in there begins a session that every process knows', async () => {
    const site = await Site.start('cleo', [before])
    await site.ask('count', 0)
    let restarted = 0
    await site.deploy([after, before], async () => {
      restarted++
      if (restarted !== 1) return
      await site.ask('count', 0)
      const { cookie } = site
      expect(await site.ask('signIn', 1)).toMatchObject({ status: 200, state: 'new' })
      expect(site.cookie).not.toBe(cookie)
      for (const at of [0, 1, 2]) {
        expect(await site.ask('visit', at)).toMatchObject({ state: 'live', subject: 'cleo' })
      }
    })
    await site.stop()
  })
})

import type { DeleteResult, SaveResult, SessionStore } from '@coatcheck/core'
import type { Prng } from './prng.ts'
import type { Schedule } from './schedule.ts'

export interface Item {
  readonly bytes: Uint8Array
  readonly cas: number
  readonly expiresAt: number
}

/** The fate of a command. */
type Fate = 'works' | 'refused' | 'answer lost' | 'late' | 'set up wrongly'

/** A change of a record. `from`: the record before. */
export interface Happening {
  readonly step: number
  /** When its command was sent and by which process; -1 for none. */
  readonly sentAt: number
  readonly process: number
  readonly id: string
  readonly what: 'written' | 'deleted' | 'expired' | 'evicted'
  /** The written bytes. */
  readonly bytes: Uint8Array | null
}

/** A command that its caller saw as an outage. */
export interface Failure {
  readonly step: number
  readonly id: string
  readonly command: Command
}

export type Command = 'load' | 'create' | 'save' | 'delete'

/** A command sent by a process. */
export interface Sent {
  readonly process: number
  readonly step: number
  /** By the schedule's `loopTime`. */
  readonly time: number
  readonly command: Command
  readonly id: string
  /** The reply and its time; `null` if there is none, or not yet. */
  answer: { readonly said: string; readonly step: number; readonly time: number } | null
}

/** The effects of the commands. Replaced one by one to plant a fault. */
export interface Semantics {
  create(server: Server, id: string, bytes: Uint8Array, expiresAt: number): boolean
  save(server: Server, id: string, bytes: Uint8Array, expiresAt: number, cas: number): SaveResult
  delete(server: Server, id: string, cas: number | undefined): DeleteResult
}

/** The records, with operations that keep the log. */
export interface Server {
  readonly get: (id: string) => Item | undefined
  readonly put: (id: string, bytes: Uint8Array, expiresAt: number) => void
  readonly drop: (id: string, what: Happening['what']) => void
}

export interface FakeMemcached {
  /** A store for one more process. */
  readonly connect: () => SessionStore<number>
  readonly sent: readonly Sent[]
  readonly log: readonly Happening[]
  readonly failures: readonly Failure[]
  readonly live: () => readonly string[]
  readonly evict: (id: string) => void
  readonly flush: () => void
  /** Empties it and restarts its versions at 1. */
  readonly restart: () => void
  /** Ids that a record of another application had taken, with the length of the log at that time. */
  readonly foreignIds: ReadonlyMap<string, number>
}

export interface FakeOptions {
  readonly prng: Prng
  readonly schedule: Schedule
  readonly semantics: Semantics
  /** The fraction of commands that fail, from 0 to 1. */
  readonly failing: () => number
  /** One in four failures is a configuration error, which is not an outage. */
  readonly isSetUpWrongly: boolean
  /** A record of another application. A fraction `taken` of the creates, from 0 to 1, find their id taken by it. */
  readonly foreignRecord: Uint8Array
  readonly taken: number
}

/** As in memcached: `add`, `replace` with cas, `delete` with or without cas. */
export const memcachedSemantics: Semantics = {
  create(server, id, bytes, expiresAt) {
    if (server.get(id) !== undefined) return false
    server.put(id, bytes, expiresAt)
    return true
  },
  save(server, id, bytes, expiresAt, cas) {
    const item = server.get(id)
    if (item === undefined) return 'missing'
    if (item.cas !== cas) return 'conflict'
    server.put(id, bytes, expiresAt)
    return 'saved'
  },
  delete(server, id, cas) {
    const item = server.get(id)
    if (item === undefined) return 'missing'
    if (cas !== undefined && item.cas !== cas) return 'conflict'
    server.drop(id, 'deleted')
    return 'deleted'
  },
}

/** An in-process memcached. Every command and every reply is a step of the schedule. */
export function createFakeMemcached(options: FakeOptions): FakeMemcached {
  const { prng, schedule, semantics } = options
  const items = new Map<string, Item>()
  const log: Happening[] = []
  const failures: Failure[] = []
  const foreignIds = new Map<string, number>()
  const sent: Sent[] = []
  let processes = 0
  let lastCas = 0
  let sentAt = 0
  let sender = -1

  const happen = (id: string, what: Happening['what'], bytes: Uint8Array | null): void =>
    void log.push({ step: schedule.step(), sentAt, process: sender, id, what, bytes })

  const server: Server = {
    get(id) {
      const item = items.get(id)
      // memcached's clock ticks once a second, and our stores add a second.
      if (item === undefined || schedule.now() < item.expiresAt + 1000) return item
      server.drop(id, 'expired')
      return undefined
    },
    put(id, bytes, expiresAt) {
      items.set(id, { bytes: bytes.slice(), cas: ++lastCas, expiresAt })
      happen(id, 'written', bytes.slice())
    },
    drop(id, what) {
      if (items.delete(id)) happen(id, what, null)
    },
  }

  function fateOf(): Fate {
    if (!prng.chance(options.failing())) return 'works'
    if (options.isSetUpWrongly && prng.chance(0.25)) return 'set up wrongly'
    return prng.pick(['refused', 'answer lost', 'answer lost', 'late'])
  }

  function send<result>(
    process: number,
    command: Command,
    id: string,
    act: () => result,
  ): Promise<result> {
    const now = schedule.now()
    const note: Sent = {
      process,
      step: schedule.step(),
      time: schedule.loopTime(),
      command,
      id,
      answer: null,
    }
    sent.push(note)
    const effect = (): result => {
      sentAt = now
      sender = process
      return act()
    }
    const name = `${command} ${id.slice(0, 4)}`
    return new Promise((resolve, reject) => {
      const fail = (code: string): void => {
        failures.push({ step: schedule.step(), id, command })
        const error = Object.assign(new Error('the store did not answer'), { code })
        schedule.add(`${name}: ${code}`, () => reject(error))
      }
      const fate = fateOf()
      schedule.add(`${name} ${fate}`, () => {
        if (fate === 'late') schedule.add(`${name}, late`, () => void effect())
        if (fate === 'set up wrongly') return fail('auth')
        if (fate === 'refused' || fate === 'late') return fail('outage')
        const result = effect()
        if (fate === 'answer lost') return fail('outage')
        const said = describe(result)
        schedule.add(`${name}: ${said}`, () => {
          note.answer = { said, step: schedule.step(), time: schedule.loopTime() }
          resolve(result)
        })
      })
    })
  }

  function placeForeignRecord(id: string): void {
    if (items.has(id) || !prng.chance(options.taken)) return
    server.put(id, options.foreignRecord, schedule.now() + 3_600_000)
    foreignIds.set(id, log.length)
  }

  function forget(what: Happening['what']): void {
    for (const id of Array.from(items.keys())) server.drop(id, what)
  }

  function connect(): SessionStore<number> {
    const process = processes++
    return {
      load: (id, expiresAt) =>
        send(process, 'load', id, () => {
          const item = server.get(id)
          if (item === undefined) return null
          if (expiresAt !== undefined) items.set(id, { ...item, expiresAt })
          return { bytes: item.bytes.slice(), version: item.cas }
        }),
      create: (id, bytes, expiresAt) =>
        send(process, 'create', id, () => {
          placeForeignRecord(id)
          return semantics.create(server, id, bytes, expiresAt)
        }),
      save: (id, bytes, expiresAt, version) =>
        send(process, 'save', id, () => semantics.save(server, id, bytes, expiresAt, version)),
      delete: (id, version) =>
        send(process, 'delete', id, () => semantics.delete(server, id, version)),
    }
  }

  return {
    connect,
    sent,
    log,
    failures,
    live: () => [...items.keys()].filter((id) => server.get(id) !== undefined),
    evict: (id) => server.drop(id, 'evicted'),
    flush: () => forget('evicted'),
    restart() {
      forget('evicted')
      lastCas = 0
    },
    foreignIds,
  }
}

function describe(result: unknown): string {
  return typeof result === 'object' ? (result === null ? 'none' : 'found') : String(result)
}

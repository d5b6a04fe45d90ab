import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { memoryStore } from '@coatcheck/core/memory'
import type { SaveResult, SessionStore, StoredRecord } from '@coatcheck/core'
import { describeStore } from './describe-store.ts'
import type { StoreUnderTest } from './context.ts'

/** Turns a sound store into a broken one. `now` is the store's clock. */
type Fault = (sound: SessionStore<number>, now: () => number) => SessionStore<number>

interface Verdict {
  readonly sentence: string
  readonly error: unknown
}

/** Runs the contract without a test runner, all tests at once, and collects what each one said. */
async function verdicts(create: () => StoreUnderTest): Promise<Verdict[]> {
  const tests: { sentence: string; fn: () => void | Promise<void> }[] = []
  describeStore('collected', create, {
    describe: (_, fn) => fn(),
    it: (sentence, fn) => tests.push({ sentence, fn }),
  })
  return Promise.all(
    tests.map(async ({ sentence, fn }) => {
      try {
        await fn()
        return { sentence, error: null }
      } catch (error) {
        return { sentence, error }
      }
    }),
  )
}

async function failures(create: () => StoreUnderTest): Promise<string[]> {
  const said = await verdicts(create)
  return said.filter(({ error }) => error !== null).map(({ sentence }) => sentence)
}

/** The sentences that a store with this fault breaks, its clock moved by hand. */
async function brokenBy(fault: Fault): Promise<string[]> {
  return failures(() => {
    let time = Date.now()
    const now = (): number => time
    const advance = (ms: number): void => {
      time += ms
    }
    return { store: fault(memoryStore({ now }), now), advance }
  })
}

/** It gives back what it is told of, without a look. */
const believesWhatItIsTold: Fault = (sound) => ({
  ...sound,
  load: async (id, expiresAt, known) =>
    (known as StoredRecord<number> | undefined) ?? sound.load(id, expiresAt),
})

/** It takes a record of as many bytes for the same. */
const believesTheSameBytes: Fault = (sound) => ({
  ...sound,
  async load(id, expiresAt, known) {
    const stored = await sound.load(id, expiresAt)
    const isSame = known !== undefined && known.bytes.length === stored?.bytes.length
    return isSame ? { bytes: known.bytes, version: stored!.version } : stored
  },
})

/** It gives back what it is told of although the record is gone. */
const forgetsToLook: Fault = (sound) => ({
  ...sound,
  load: async (id, expiresAt, known) =>
    (await sound.load(id, expiresAt)) ?? ((known as StoredRecord<number> | undefined) || null),
})

/** Lets the other calls under way go first. */
async function pause(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve))
}

/** A store that does something else to the bytes on their way in. */
function writing(change: (bytes: Uint8Array) => Uint8Array): Fault {
  return (sound) => ({
    ...sound,
    create: (id, bytes, expiresAt) => sound.create(id, change(bytes), expiresAt),
    save: (id, bytes, expiresAt, version) => sound.save(id, change(bytes), expiresAt, version),
  })
}

/** A store that takes every `expiresAt` for another one. */
function expiring(change: (expiresAt: number, now: number) => number): Fault {
  return (sound, now) => ({
    ...sound,
    load(id, expiresAt) {
      return sound.load(id, expiresAt === undefined ? undefined : change(expiresAt, now()))
    },
    create(id, bytes, expiresAt) {
      return sound.create(id, bytes, change(expiresAt, now()))
    },
    save(id, bytes, expiresAt, version) {
      return sound.save(id, bytes, change(expiresAt, now()), version)
    },
  })
}

const sound: Fault = (store) => store

const saveCreates: Fault = (sound) => ({
  ...sound,
  async save(id, bytes, expiresAt, version): Promise<SaveResult> {
    const result = await sound.save(id, bytes, expiresAt, version)
    if (result !== 'missing') return result
    await sound.create(id, bytes, expiresAt)
    return 'saved'
  },
})

const saveCreatesInSecret: Fault = (sound) => ({
  ...sound,
  async save(id, bytes, expiresAt, version) {
    const result = await sound.save(id, bytes, expiresAt, version)
    if (result === 'missing') await sound.create(id, bytes, expiresAt)
    return result
  },
})

const saveIgnoresVersion: Fault = (sound) => ({
  ...sound,
  async save(id, bytes, expiresAt) {
    const found = await sound.load(id)
    return found === null ? 'missing' : sound.save(id, bytes, expiresAt, found.version)
  },
})

const saveWritesInSpiteOfConflict: Fault = (sound, now) => ({
  ...sound,
  async save(id, bytes, expiresAt, version) {
    const result = await sound.save(id, bytes, expiresAt, version)
    const careless = saveIgnoresVersion(sound, now)
    if (result === 'conflict') await careless.save(id, bytes, expiresAt, version)
    return result
  },
})

const saveAlwaysConflicts: Fault = (sound) => ({
  ...sound,
  async save() {
    return 'conflict'
  },
})

const saveDoesNothing: Fault = (sound) => ({
  ...sound,
  async save() {
    return 'saved'
  },
})

const saveChecksThenWrites: Fault = (sound, now) => ({
  ...sound,
  async save(id, bytes, expiresAt, version) {
    const found = await sound.load(id)
    if (found === null) return 'missing'
    if (found.version !== version) return 'conflict'
    await pause()
    await saveCreates(sound, now).save(id, bytes, expiresAt, version)
    return 'saved'
  },
})

const saveChecksThenSets: Fault = (sound) => ({
  ...sound,
  async save(id, bytes, expiresAt, version) {
    const found = await sound.load(id)
    if (found === null) return 'missing'
    if (found.version !== version) return 'conflict'
    await pause()
    await sound.delete(id)
    await sound.create(id, bytes, expiresAt)
    return 'saved'
  },
})

const saveKeepsTheExpiry: Fault = (sound) => {
  const ends = new Map<string, number>()
  return {
    ...sound,
    async create(id, bytes, expiresAt) {
      const created = await sound.create(id, bytes, expiresAt)
      if (created) ends.set(id, expiresAt)
      return created
    },
    save(id, bytes, expiresAt, version) {
      return sound.save(id, bytes, ends.get(id) ?? expiresAt, version)
    },
  }
}

const createOverwrites: Fault = (sound) => ({
  ...sound,
  async create(id, bytes, expiresAt) {
    await sound.delete(id)
    return sound.create(id, bytes, expiresAt)
  },
})

const createOverwritesWhenRefused: Fault = (sound, now) => ({
  ...sound,
  async create(id, bytes, expiresAt) {
    const created = await sound.create(id, bytes, expiresAt)
    if (!created) await saveIgnoresVersion(sound, now).save(id, bytes, expiresAt, 0)
    return created
  },
})

const createMovesTheExpiryWhenRefused: Fault = (sound) => ({
  ...sound,
  async create(id, bytes, expiresAt) {
    const created = await sound.create(id, bytes, expiresAt)
    if (!created) await sound.load(id, expiresAt)
    return created
  },
})

const createChecksThenWrites: Fault = (sound) => ({
  ...sound,
  async create(id, bytes, expiresAt) {
    if ((await sound.load(id)) !== null) return false
    await pause()
    await sound.delete(id)
    return sound.create(id, bytes, expiresAt)
  },
})

const createNeverFreesAnId: Fault = (sound) => {
  const taken = new Set<string>()
  return {
    ...sound,
    async create(id, bytes, expiresAt) {
      if (taken.has(id)) return false
      taken.add(id)
      return sound.create(id, bytes, expiresAt)
    },
  }
}

const createForgets: Fault = (sound) => ({
  ...sound,
  async create() {
    return true
  },
})

const deleteIgnoresVersion: Fault = (sound) => ({
  ...sound,
  delete: (id) => sound.delete(id),
})

const deleteInsistsOnAVersion: Fault = (sound) => ({
  ...sound,
  delete: (id, version) => sound.delete(id, version ?? -1),
})

const deleteDoesNothing: Fault = (sound) => ({
  ...sound,
  async delete() {
    return 'deleted'
  },
})

const deleteNeverMisses: Fault = (sound) => ({
  ...sound,
  async delete(id, version) {
    const result = await sound.delete(id, version)
    return result === 'missing' ? 'deleted' : result
  },
})

const deleteTakesAllRecords: Fault = (sound) => {
  const ids = new Set<string>()
  return {
    ...sound,
    create(id, bytes, expiresAt) {
      ids.add(id)
      return sound.create(id, bytes, expiresAt)
    },
    async delete(id, version) {
      const result = await sound.delete(id, version)
      if (result === 'deleted') for (const other of ids) await sound.delete(other)
      return result
    },
  }
}

const touchChangesTheVersion: Fault = (sound) => ({
  ...sound,
  async load(id, expiresAt) {
    const found = await sound.load(id)
    if (found === null || expiresAt === undefined) return found
    await sound.save(id, found.bytes, expiresAt, found.version)
    return sound.load(id)
  },
})

const touchAnswersAnotherVersion: Fault = (sound) => ({
  ...sound,
  async load(id, expiresAt) {
    const found = await sound.load(id, expiresAt)
    return found && expiresAt !== undefined ? { ...found, version: 0 } : found
  },
})

const touchDoesNothing: Fault = (sound) => ({
  ...sound,
  load: (id) => sound.load(id),
})

const touchCreates: Fault = (sound) => ({
  ...sound,
  async load(id, expiresAt) {
    const found = await sound.load(id, expiresAt)
    if (found !== null || expiresAt === undefined) return found
    await sound.create(id, new Uint8Array(1), expiresAt)
    return null
  },
})

const loadAlwaysTouches: Fault = (sound, now) => ({
  ...sound,
  load: (id, expiresAt) => sound.load(id, expiresAt ?? now() + 3_600_000 * 24),
})

const loadAnswersNothingAsEmpty: Fault = (sound) => ({
  ...sound,
  async load(id, expiresAt) {
    return (await sound.load(id, expiresAt)) ?? { bytes: new Uint8Array(0), version: 0 }
  },
})

const loadReadsBytesAndVersionApart: Fault = (sound) => ({
  ...sound,
  async load(id, expiresAt) {
    const found = await sound.load(id, expiresAt)
    await pause()
    const again = await sound.load(id)
    return found && again && { bytes: found.bytes, version: again.version }
  },
})

const sharesBytesGiven: Fault = (sound) => {
  const given = new Map<string, Uint8Array>()
  return {
    ...sound,
    async load(id, expiresAt) {
      const found = await sound.load(id, expiresAt)
      return found && { ...found, bytes: new Uint8Array(given.get(id) ?? found.bytes) }
    },
    async create(id, bytes, expiresAt) {
      const created = await sound.create(id, bytes, expiresAt)
      if (created) given.set(id, bytes)
      return created
    },
    async save(id, bytes, expiresAt, version) {
      const result = await sound.save(id, bytes, expiresAt, version)
      if (result === 'saved') given.set(id, bytes)
      return result
    },
  }
}

const sharesBytesHandedOut: Fault = (sound) => {
  const handedOut = new Map<number, Uint8Array>()
  return {
    ...sound,
    async load(id, expiresAt) {
      const found = await sound.load(id, expiresAt)
      if (found === null) return null
      const bytes = handedOut.get(found.version) ?? found.bytes
      handedOut.set(found.version, bytes)
      return { ...found, bytes }
    },
  }
}

const losesEmptyRecords: Fault = (sound) => ({
  ...sound,
  async load(id, expiresAt) {
    const found = await sound.load(id, expiresAt)
    return found?.bytes.length === 0 ? null : found
  },
})

const foldsTheCaseOfIds: Fault = (sound) => ({
  load: (id, expiresAt) => sound.load(id.toLowerCase(), expiresAt),
  create: (id, bytes, expiresAt) => sound.create(id.toLowerCase(), bytes, expiresAt),
  save: (id, bytes, expiresAt, version) => sound.save(id.toLowerCase(), bytes, expiresAt, version),
  delete: (id, version) => sound.delete(id.toLowerCase(), version),
})

/** An ETag made of the content: 32-bit FNV-1a. */
const versionIsAHashOfTheBytes: Fault = (sound) => {
  const hash = (bytes: Uint8Array): number => {
    return bytes.reduce((sum, byte) => Math.imul(sum ^ byte, 16_777_619), -2_128_831_035)
  }
  return {
    ...sound,
    async load(id, expiresAt) {
      const found = await sound.load(id, expiresAt)
      return found && { ...found, version: hash(found.bytes) }
    },
    async save(id, bytes, expiresAt, version) {
      const found = await sound.load(id)
      if (found === null) return 'missing'
      if (hash(found.bytes) !== version) return 'conflict'
      return sound.save(id, bytes, expiresAt, found.version)
    },
    async delete(id, version) {
      const found = await sound.load(id)
      if (found === null || version === undefined) return sound.delete(id)
      return hash(found.bytes) === version ? sound.delete(id, found.version) : 'conflict'
    },
  }
}

const neverExpires = expiring(() => Number.MAX_SAFE_INTEGER)
const expiresAtHalfTime = expiring((expiresAt, now) => now + (expiresAt - now) / 2)
const expiresAnHourLate = expiring((expiresAt) => expiresAt + 3_600_000)
const takesThePastForNever = expiring((expiresAt, now) => {
  return expiresAt <= now ? Number.MAX_SAFE_INTEGER : expiresAt
})
const keepsText = writing((bytes) => new TextEncoder().encode(new TextDecoder().decode(bytes)))
const cutsAt32KiB = writing((bytes) => bytes.subarray(0, 32_768))
const keepsTheWholeBuffer = writing((bytes) => new Uint8Array(bytes.buffer))

/** Every sentence of the contract, and the faults that it must notice. */
const noticed: Record<string, readonly Fault[]> = {
  'loads what was created': [createForgets],
  'answers null to a load of an unknown id': [loadAnswersNothingAsEmpty],
  'creates nothing by a load that moves the expiry': [touchCreates],
  'refuses to create what exists, and leaves it as it was': [
    createOverwrites,
    createOverwritesWhenRefused,
  ],
  'keeps apart ids that differ in the case of a letter': [foldsTheCaseOfIds],
  'keeps a record of no bytes': [losesEmptyRecords],
  'keeps every value a byte can have': [keepsText],
  'keeps 64 KiB': [cutsAt32KiB],
  'keeps only the bytes of a view into a larger buffer': [keepsTheWholeBuffer],
  'keeps no reference to the bytes given to create': [sharesBytesGiven],
  'keeps no reference to the bytes given to save': [sharesBytesGiven],
  'hands out bytes that it does not use any more': [sharesBytesHandedOut],
  'saves with the current version, again and again': [saveDoesNothing, saveAlwaysConflicts],
  'gives a new version to a save of the very same bytes': [versionIsAHashOfTheBytes],
  'refuses a save with a stale version, changes nothing': [
    saveIgnoresVersion,
    saveWritesInSpiteOfConflict,
  ],
  'creates nothing by a save of an unknown id': [saveCreates, saveCreatesInSecret],
  'does not bring a deleted record back by a save': [saveCreates, saveCreatesInSecret],
  'never uses a version again for a record created anew': [versionIsAHashOfTheBytes],
  'keeps the version when a load moves the expiry': [touchChangesTheVersion],
  'gives the record of now, whatever it is told of before': [
    believesWhatItIsTold,
    believesTheSameBytes,
    forgetsToLook,
  ],
  'takes the version that a load with a new expiry gives': [touchAnswersAnotherVersion],
  'deletes whatever the version, and misses it thereafter': [
    deleteInsistsOnAVersion,
    deleteNeverMisses,
  ],
  'deletes with the current version': [deleteDoesNothing],
  'refuses a delete with a stale version, changes nothing': [deleteIgnoresVersion],
  'answers missing to a delete of an unknown id': [deleteNeverMisses],
  'leaves other records alone': [deleteTakesAllRecords],
  'frees the id': [createNeverFreesAnId],
  'keeps a record until its expiresAt': [expiresAtHalfTime],
  'forgets a record after its expiresAt, though it was read in between': [
    neverExpires,
    expiresAnHourLate,
    loadAlwaysTouches,
  ],
  'has no record to save or delete after its expiresAt, and its id is free': [
    neverExpires,
    createNeverFreesAnId,
  ],
  'lets a load put the expiry off': [touchDoesNothing],
  'lets a load bring the expiry forward': [touchDoesNothing],
  'lets a save put the expiry off': [saveKeepsTheExpiry],
  'lets a save bring the expiry forward': [saveKeepsTheExpiry],
  'leaves the expiry alone when it refuses a create or a save': [createMovesTheExpiryWhenRefused],
  'never shows a record created after its expiresAt': [takesThePastForNever],
  'never shows a record saved after its expiresAt': [takesThePastForNever],
  'lets one of 200 saves with one version through': [saveChecksThenWrites, saveChecksThenSets],
  'lets one of 200 creates of one id through': [createChecksThenWrites],
  'loses no update of eight writers that count to eighty': [
    saveChecksThenWrites,
    loadReadsBytesAndVersionApart,
  ],
  'leaves nothing alive when a save and a delete meet': [saveChecksThenWrites, saveChecksThenSets],
  'lets either a save or a delete with the same version through': [
    saveChecksThenSets,
    deleteIgnoresVersion,
  ],
}

describe('the contract', () => {
  it('is met by the memory store', async () => {
    expect(await brokenBy(sound)).toEqual([])
  })

  it('notices each planted fault, and each of its sentences notices one', async () => {
    const said = await verdicts(() => ({ store: memoryStore(), advance() {} }))
    expect(Object.keys(noticed)).toEqual(said.map(({ sentence }) => sentence))
    for (const [sentence, faults] of Object.entries(noticed)) {
      for (const fault of faults) expect(await brokenBy(fault), String(fault)).toContain(sentence)
    }
  })

  it('says what it expected and what it got', async () => {
    const store = saveCreates(memoryStore(), () => Date.now())
    const said = await verdicts(() => ({ store, advance() {} }))
    const unknown = 'creates nothing by a save of an unknown id'
    expect(said.find(({ sentence }) => sentence === unknown)?.error).toEqual(
      new Error('save: expected missing, got saved'),
    )
  })

  it('fails when the store is out of reach', async () => {
    const outage = (): Promise<never> => Promise.reject(new Error('connection refused'))
    const store: SessionStore = { load: outage, create: outage, save: outage, delete: outage }
    const said = await verdicts(() => ({ store, advance() {} }))
    const refused = said.map(() => 'Error: connection refused')
    expect(said.map(({ error }) => String(error))).toEqual(refused)
  })

  it('makes one store for each test, and closes it even when the test fails', async () => {
    const open = new Set<SessionStore>()
    let made = 0
    const said = await verdicts(() => {
      const store = saveDoesNothing(memoryStore(), Date.now)
      open.add(store)
      made++
      return { store, advance() {}, close: () => void open.delete(store) }
    })
    expect(made).toBe(said.length)
    expect(open.size).toBe(0)
  })
})

describe.concurrent('the contract, run otherwise', () => {
  it('is met by the memory store in real time', async () => {
    expect(await failures(() => ({ store: memoryStore() }))).toEqual([])
  })

  it('is met by a store that rounds up and keeps records a second longer', async () => {
    const memcached = expiring((expiresAt, now) => {
      return expiresAt <= now ? expiresAt : now + 1_000 * (Math.ceil((expiresAt - now) / 1_000) + 1)
    })
    expect(await failures(() => ({ store: memcached(memoryStore(), Date.now) }))).toEqual([])
  })

  it('is not met by a store that rounds down', async () => {
    const roundingDown = expiring((expiresAt, now) => {
      return now + 1_000 * Math.floor((expiresAt - now) / 1_000)
    })
    expect(await failures(() => ({ store: roundingDown(memoryStore(), Date.now) }))).toContain(
      'keeps a record until its expiresAt',
    )
  })

  it('is met under node:test, by stores that share an older clock', async () => {
    const script = `
      import { describe, it } from 'node:test'
      import { memoryStore } from '../../../core/src/memory.ts'
      import { describeStore } from '../index.ts'
      let time = 0
      const now = () => time
      const advance = (ms) => { time += ms }
      const create = () => ({ store: memoryStore({ now }), now, advance })
      describeStore('memoryStore', create, { describe, it })
    `
    const node = promisify(execFile)
    const flags = ['--test-reporter=tap', '--input-type=module', '--eval', script]
    const { stdout } = await node(process.execPath, flags, { cwd: import.meta.dirname })
    expect(stdout).toContain(`\n# pass ${Object.keys(noticed).length}\n# fail 0\n`)
  })
})

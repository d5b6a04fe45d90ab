import type { Semantics } from './fake-memcached.ts'
import { memcachedSemantics } from './fake-memcached.ts'

/** One passage of the core's own text, and what stands there instead. */
export interface Edit {
  /** In packages/core/src. */
  readonly file: string
  /** Text, or a pattern, that is there exactly once. */
  readonly find: string | RegExp
  readonly put: string
}

/** A fault, and how many schedules the laws need at most to find it. */
export interface PlantedFault {
  readonly name: string
  readonly edits: readonly Edit[]
  readonly semantics: Semantics
  readonly within: number
}

/** What a `set` does: whatever is there, or nothing, is overwritten. */
const set: Semantics['save'] = (server, id, bytes, expiresAt) => {
  server.put(id, bytes, expiresAt)
  return 'saved'
}

const replaceIfExists: Semantics['save'] = (server, id, bytes, expiresAt) => {
  if (server.get(id) === undefined) return 'missing'
  server.put(id, bytes, expiresAt)
  return 'saved'
}

const saveOrCreate: Semantics['save'] = (server, id, bytes, expiresAt, cas) => {
  const result = memcachedSemantics.save(server, id, bytes, expiresAt, cas)
  return result === 'missing' ? set(server, id, bytes, expiresAt, cas) : result
}

const withSave = (way: Semantics['save']): Semantics => ({ ...memcachedSemantics, save: way })

function plant(name: string, within: number, ...edits: readonly Edit[]): PlantedFault {
  return { name, within, edits, semantics: memcachedSemantics }
}

/** The fault of Rack::Session::Memcache: it reads again, replays its changes, and overwrites. */
const readAgainFirst: Edit = {
  file: 'commit/save.ts',
  find: 'let savesBeforeLostReply = lostWriteId === undefined ? null : loaded.record.writes.count',
  put: `let savesBeforeLostReply = lostWriteId === undefined ? null : loaded.record.writes.count
  const again = await readAgain(context, loaded.address)
  if (typeof again !== 'string') loaded = again`,
}

export const plantedFaults: readonly PlantedFault[] = [
  { ...plant('last write wins: a save is a set', 200), semantics: withSave(set) },
  { ...plant('a save creates what is missing', 500), semantics: withSave(saveOrCreate) },
  { ...plant('replace if it exists, without cas', 200), semantics: withSave(replaceIfExists) },
  {
    ...plant("the ancestor's: read again, replay, set", 300, readAgainFirst),
    semantics: withSave(set),
  },
  plant(
    'renew deletes first, and creates then',
    8000,
    {
      file: 'commit/renew.ts',
      find: "const claimed = await claim(context, renewed, 'renewed', signIn)",
      put: `const early = await records.delete(address.id, version)
    const claimed = await claim(context, renewed, 'renewed', signIn)`,
    },
    {
      file: 'commit/renew.ts',
      find: 'const result = await records.delete(address.id, version)',
      put: 'const result = early',
    },
  ),
  plant('renew leaves the old token alive', 300, {
    file: 'commit/renew.ts',
    find: 'const result = await records.delete(address.id, version)',
    put: "const result = 'deleted' as 'deleted' | 'conflict' | 'missing'",
  }),
  plant('renew deletes the old record whatever its version', 1000, {
    file: 'commit/renew.ts',
    find: 'const result = await records.delete(address.id, version)',
    put: 'const result = await records.delete(address.id)',
  }),
  plant('a rotation writes its forward whatever the version', 1000, {
    file: 'commit/rotate.ts',
    find: 'await records.save(loaded.address, forward, forward.until, loaded.version)',
    put: `await records.load(loaded.address).then((now) =>
      typeof now === 'string'
        ? 'missing' as const
        : records.save(loaded.address, forward, forward.until, now.version))`,
  }),
  plant('a rotation drops what the request changed', 1000, {
    file: 'commit/rotate.ts',
    find: 'const record = { ...edit.record, rotatedAt: now(), writes }',
    put: 'const record = { ...loaded.record, rotatedAt: now(), writes }',
  }),
  plant('a destroy deletes the forward instead of the session', 5000, {
    file: 'commit/destroy.ts',
    find: 'const rotates = context.lifetime.rotate !== Infinity',
    put: 'const rotates = false',
  }),
  plant('a conflict is merged onto the stale base', 1000, {
    file: 'commit/save.ts',
    find: '    loaded = next\n    if (savesBeforeLostReply === null) continue',
    put: `    loaded = { ...next, record: loaded.record }
    if (savesBeforeLostReply === null) continue`,
  }),
  plant('a merge drops deletions', 500, {
    file: 'rules/changes.ts',
    find: 'for (const key of changes.deleted) if (theirs.has(key)) replay(key, undefined)',
    put: '',
  }),
  plant('an add whose answer was lost is sent again, and adopts what is there', 500, {
    file: 'commit/create.ts',
    find: "if (result === 'created') return",
    put: "if (result !== 'unavailable') return",
  }),
  plant('a create is done twice, under two tokens', 200, {
    file: 'commit/create.ts',
    find: "if (result === 'created') return { outcome",
    put: "if (result === 'created' && tries > 1) return { outcome",
  }),
  plant('a revoked session that is renewed meanwhile comes back into the list', 12_000, {
    file: 'commit/create.ts',
    find: 'await updateListed(context, after.owner',
    put: 'await enlist(context, after.owner',
  }),
  plant('a save whose answer was lost is replayed without a look for its write id', 1000, {
    file: 'commit/save.ts',
    find: 'if (savesBeforeLostReply === null) continue',
    put: 'continue',
  }),
  plant('a rotation is replayed onto the record that it made', 8000, {
    file: 'commit/rotate.ts',
    find: 'const saved = await save(context, write, rotated.writeId)',
    put: 'const saved = await save(context, write)',
  }),
  plant('an outage is taken for a miss', 500, {
    file: 'store/sealed-store.ts',
    find: "if (stored === null) return 'missing'",
    put: "if (stored === null || stored === 'unavailable') return 'missing'",
  }),
  plant('a conflict is called saved', 200, {
    file: 'commit/save.ts',
    find: "if (result === 'saved') return all('saved')",
    put: "if (result === 'saved' || result === 'conflict') return all('saved')",
  }),
  plant('of the commits that share a batch only the first is written', 500, {
    file: 'commit/save.ts',
    find: 'const errors = writes.map(({ edit, loaded: own }) => {',
    put: 'const errors = writes.map(({ edit, loaded: own }, at) => {\n    if (at > 0) return null',
  }),
  plant('sum forgets what the others added', 300, {
    file: 'rules/resolvers.ts',
    find: /(?<=function sum\(.*\{\n) {2}.*/,
    put: '  return ours as number',
  }),
  plant('a destroy that was not confirmed clears the cookie', 1000, {
    file: 'commit/committed.ts',
    find: "if (outcome === 'destroyed') return deleteCookie(form)",
    put: "if (outcome === 'destroyed' || outcome === 'unconfirmed') return deleteCookie(form)",
  }),
  plant('a sign-in that found its session ended is no failure', 1000, {
    file: 'rules/next-step.ts',
    find: " || (outcome === 'gone' && asked === 'sign-in')",
    put: '',
  }),
  plant('a sign-out that was not confirmed is no failure', 1000, {
    file: 'rules/next-step.ts',
    find: "['conflict', 'unavailable', 'unconfirmed']",
    put: "['conflict', 'unavailable']",
  }),
  plant('a change that ended with its session is a failure', 1000, {
    file: 'rules/next-step.ts',
    find: "(outcome === 'gone' && asked === 'sign-in')",
    put: "outcome === 'gone'",
  }),
  plant('a sign-in is reported as a change', 500, {
    file: 'rules/next-step.ts',
    find: "intent === 'renew' ? 'sign-in' : 'change'",
    put: "'change'",
  }),
  plant('a sign-in keeps the data and forgets the subject', 2000, {
    file: 'commit/renew.ts',
    find: 'owner: owner ?? record.owner',
    put: 'owner: record.owner',
  }),
]

import type { Semantics } from './fake-memcached.ts'
import { memcachedSemantics } from './fake-memcached.ts'
import type { Edit, PlantedFault } from './planted-fault.ts'
import { plant, plantRow } from './planted-fault.ts'
import { plantedSeamFaults } from './planted-seam-faults.ts'

/** The effect of `set`: overwrites whatever is there. */
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

/** The fault of Rack::Session::Memcache: it reads again, replays its changes, and overwrites. */
const readAgainFirst: Edit = {
  file: 'commit/save.ts',
  find: 'let savesBeforeLostReply: number | null = null',
  put: `let savesBeforeLostReply: number | null = null
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
  plant('a sign-in without a subject goes on with a revoked session', 25_000, {
    file: 'commit/place-in-list.ts',
    find: "return listed === 'missing' ||",
    put: 'return false && ',
  }),
  plant(
    'renew deletes first, and creates then',
    8000,
    {
      file: 'commit/move.ts',
      find: 'const put = await this.#moved.put(this.#replayed.record, this.#time)',
      put: `const { address, version } = this.#loaded
      const { records } = this.#context
      if (!this.#isRotation) this.early = await records.delete(address.id, version)
      const put = await this.#moved.put(this.#replayed.record, this.#time)`,
    },
    {
      file: 'commit/move.ts',
      find: 'const result = await this.#leaveMark(this.#target)',
      put: `const early = this.early === 'deleted' ? 'saved' : this.early
    const result = early ?? (await this.#leaveMark(this.#target))`,
    },
  ),
  plant('renew leaves the old token alive', 300, {
    file: 'commit/move.ts',
    find: 'const result = await this.#leaveMark(this.#target)',
    put: "const result = this.#isRotation ? await this.#leaveMark(this.#target) : 'saved'",
  }),
  plant('renew replaces the old record whatever its version', 1000, {
    file: 'commit/leave-under-old-id.ts',
    find: 'return records.save(place, mark, until, version, true)',
    put: `const there = await records.load(address)
    return typeof there === 'string' ? there : records.save(place, mark, until, there.version)`,
  }),
  plant('a rotation writes its forward whatever the version', 1000, {
    file: 'commit/leave-under-old-id.ts',
    find: "return records.save(address, { kind: 'forward', token, until }, until, version)",
    put: `return Promise.resolve(records.load(address)).then((there) => {
    if (typeof there === 'string') return there
    return records.save(address, { kind: 'forward', token, until }, until, there.version)
  })`,
  }),
  plant('a rotation drops what the request changed', 1000, {
    file: 'commit/move.ts',
    find: 'const put = await this.#moved.put(this.#replayed.record, this.#time)',
    put: `const what = this.#isRotation ? this.#loaded.record : this.#replayed.record
      const put = await this.#moved.put(what, this.#time)`,
  }),
  plant('a destroy deletes the forward instead of the session', 5000, {
    file: 'commit/destroy.ts',
    find: "if (entry !== null && 'kind' in entry) {",
    put: "if (entry !== null && 'kind' in entry && !isForward(entry)) {",
  }),
  plant('a conflict is merged onto the stale base', 1000, {
    file: 'commit/save.ts',
    find: 'loaded = next\n      if (savesBeforeLostReply === null) continue',
    put: `loaded = { ...next, record: loaded.record }
      if (savesBeforeLostReply === null) continue`,
  }),
  plant('a merge drops deletions', 500, {
    file: 'rules/diff-and-merge.ts',
    find: 'for (const key of changes.deleted) if (theirs.has(key)) replay(key, undefined)',
    put: '',
  }),
  plant('an add whose answer was lost is sent again, and adopts what is there', 500, {
    file: 'commit/claim-token.ts',
    find: "if (result === 'created') return { outcome: result, tries, address }",
    put: "if (result !== 'unavailable') return { outcome: 'created', tries, address }",
  }),
  plant('a create is done twice, under two tokens', 200, {
    file: 'commit/claim-token.ts',
    find: "if (result === 'created') return {",
    put: "if (result === 'created' && tries === 1) continue\n    if (result === 'created') return {",
  }),
  plant('a revoked session that is renewed meanwhile comes back into the list', 12_000, {
    file: 'commit/place-in-list.ts',
    find: 'import { delist, updateListed } from',
    put: 'import { delist, enlist as updateListed } from',
  }),
  plant('a save whose answer was lost is replayed without a look for its write id', 1000, {
    file: 'commit/save.ts',
    find: 'if (savesBeforeLostReply === null) continue',
    put: 'continue',
  }),
  plant(
    'a rotation is replayed onto the record that it made',
    8000,
    {
      file: 'commit/leave-under-old-id.ts',
      find: 'return entry.token === target?.token',
      put: 'return false',
    },
    {
      file: 'commit/move.ts',
      find: 'const isIdle =',
      put: 'this.#isDone = loaded.address.id === this.#moved.address?.id\n    const isIdle =',
    },
  ),
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
    file: 'commit/replay-batch.ts',
    find: 'for (const { edit, loaded: own } of writes) {',
    put: `for (const { edit, loaded: own } of writes) {
    if (errors.length > 0) {
      errors.push(null)
      continue
    }`,
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
  plantRow('C2', 'a renewal that found its session ended is no failure', 1000, {
    file: 'rules/next-step.ts',
    find: "const isGone = outcome === 'gone' && (asked === 'sign-in' || hasTaken)",
    put: 'const isGone = false',
  }),
  plantRow('C2', 'a sign-out that was not confirmed is no failure', 1000, {
    file: 'rules/next-step.ts',
    find: "  'unavailable',\n  'unconfirmed',\n]",
    put: "  'unavailable',\n]",
  }),
  plantRow('C2', 'a change that ended with its session is a failure', 1000, {
    file: 'rules/next-step.ts',
    find: "outcome === 'gone' && (asked === 'sign-in' || hasTaken)",
    put: "outcome === 'gone'",
  }),
  plantRow('C2', 'a sign-in is reported as a change', 500, {
    file: 'rules/next-step.ts',
    find: "return movesToken(intent) ? 'sign-in' : 'change'",
    put: "return 'change'",
  }),
  plant('a sign-in keeps the data and forgets the subject', 2000, {
    file: 'commit/record-under-new-token.ts',
    find: 'owner: this.#owner, isPersistent',
    put: 'owner: old.owner, isPersistent',
  }),
  plantRow(
    'C5',
    'a process forgets a sign-out that was not confirmed',
    25_000,
    {
      file: 'load/load.ts',
      find: 'if (refusedIds.has(address.id)) return ending(context, address)',
      put: '',
    },
    {
      file: 'load/load.ts',
      find: 'if (refusedIds.has(loaded.address.id)) return ending(context, loaded.address, loaded.record.owner)',
      put: '',
    },
  ),
  plantRow('B1', 'a sign-out does not follow the mark of a renewal', 1000, {
    file: 'commit/destroy.ts',
    find: 'if (isMovedMark(entry)) ending.owner = entry.owner',
    put: "if (isMovedMark(entry)) return end('gone')",
  }),
  plantRow('B2', 'the saves that wait beside a move are not in the new record', 1000, {
    file: 'commit/move.ts',
    find: 'const put = await this.#moved.put(this.#replayed.record, this.#time)',
    put: 'const put = await this.#moved.put(this.#mover.edit.record, this.#time)',
  }),
  plantRow('B3', 'a plain change under a token that was moved begins a session', 1000, {
    file: 'rules/next-step.ts',
    find: "if ((state === 'moved' || state === 'unproven') && intent !== 'sign-in') {",
    put: 'if (false) {',
  }),
  plant('a save that finds its session moved reports that it is gone', 1000, {
    file: 'commit/read-again.ts',
    find: "'unavailable' : 'moved'",
    put: "'unavailable' : 'gone'",
  }),
  plantRow('B4', 'a sign-in whose session is moved meanwhile is refused', 1000, {
    file: 'commit/move.ts',
    find: "return edit.signIn ? this.#signInAlone(edit.record, mark) : this.#all('moved')",
    put: "return this.#all('moved')",
  }),
  plantRow('B4', 'a sign-in whose session is moved meanwhile forgets what it held', 1000, {
    file: 'commit/move.ts',
    find: "if (isOver || typeof last === 'string') return this.#endGone()",
    put: 'if (last) return this.#endGone()',
  }),
  plant('a sign-in keeps what it held of a session that was moved and then signed out', 10_000, {
    file: 'commit/move.ts',
    find: "if (isOver || typeof last === 'string') return this.#endGone()",
    put: '',
  }),
  plant('a sign-in whose session has ended keeps what it held', 1000, {
    file: 'commit/move.ts',
    find: 'return this.#signInAlone(await replayOntoNone(this.#context, edit, this.#startedAt), null)',
    put: 'return this.#signInAlone(edit.record, null)',
  }),
  plantRow('B5', 'a move whose answer was lost deletes both records', 500, {
    file: 'commit/move.ts',
    find: "if (result === 'missing') return this.#endGone()",
    put: `if (result === 'missing') return this.#endGone()
    if (result === 'unavailable') {
      await this.#context.records.delete(this.#target.id)
      return this.#all('unavailable')
    }`,
  }),
  plantRow('B7', 'a rotation does not hold the record before it makes the next', 1000, {
    file: 'commit/move.ts',
    find: 'while (this.#isRotation && !this.#isHolding) {',
    put: 'while (false) {',
  }),
  plantRow('B8', 'a browser that comes by a forward is not told the new token', 1000, {
    file: 'commit/commit-session.ts',
    find: 'if (!isTold(written)) return written',
    put: 'return written',
  }),
  plantRow('B8', 'the new token is told after it was used', 5000, {
    file: 'commit/commit-session.ts',
    find: '!loaded.isReused && loaded.record.isTokenUnused',
    put: '!loaded.isReused',
  }),
  plantRow('B8', 'the use of a new token is not written down', 5000, {
    file: 'commit/plan.ts',
    find: '? loaded.record.rotatedAt',
    put: '? null',
  }),
  plantRow('B10', 'the limit ends the newest of the sessions', 2000, {
    file: 'subjects/make-room.ts',
    find: 'signedInAt(right) - signedInAt(left)',
    put: 'signedInAt(left) - signedInAt(right)',
  }),
  plantRow('B10', 'the list is not told of a renewal', 8000, {
    file: 'commit/place-in-list.ts',
    find: 'else await updateListed(context, owner, { createdAt, renewedAt, seenAt })',
    put: '',
  }),
  ...plantedSeamFaults,
]

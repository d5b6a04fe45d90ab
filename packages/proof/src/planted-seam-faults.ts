import type { PlantedFault } from './planted-fault.ts'
import { plant, plantRow } from './planted-fault.ts'

/** Faults where parts interact: responses, concurrent moves, lists, secrets, time. */
export const plantedSeamFaults: readonly PlantedFault[] = [
  plantRow('A1', "what a commit adds to an answer is set on the app's own response", 100, {
    file: 'http/headers.ts',
    find: 'const copy = copyOf(response)',
    put: 'const copy = response',
  }),
  plantRow('A1', 'the first answer of a response object is kept for the next', 100, {
    file: 'http/headers.ts',
    find: 'const copy = copyOf(response)',
    put: `if (response.kept !== undefined) return response.kept
  const copy = (response.kept = copyOf(response))`,
  }),
  plant('an answer with a cookie may be kept by a cache', 100, {
    file: 'http/headers.ts',
    find: "storesNothing ? 'private, no-store' : atLeastPrivate(kept)",
    put: 'atLeastPrivate(kept)',
  }),
  plant('commits of different sessions share a batch', 20_000, {
    file: 'commit/carry-out.ts',
    find: 'context.queue.add(plan.loaded.address.id,',
    put: "context.queue.add('one for all',",
  }),
  plantRow('B6', 'signing in again as the same subject keeps the token', 2000, {
    file: 'commit/plan.ts',
    find: 'return { step: next.do, edit, loaded, order }',
    put: `const isSame = edit.signIn?.subject === loaded.record.owner?.subject
  return { step: isSame && edit.signIn ? 'save' : next.do, edit, loaded, order }`,
  }),
  plantRow('B7', 'other writers do not wait for a rotation', 5000, {
    file: 'rules/retry-limits.ts',
    find: 'return movingUntil > now && movingUntil - now <= movingLife',
    put: 'return false',
  }),
  plant('a token that is due is not rotated', 200, {
    file: 'rules/lifetime.ts',
    find: 'return age >= rotate && (owner',
    put: 'return age < 0 && (owner',
  }),
  plantRow('B8', 'an old token that comes after the new one was used is not reported', 5000, {
    file: 'load/load.ts',
    find: 'if (loaded.isReused || (loaded.isForwarded && !loaded.record.isTokenUnused)) {',
    put: 'if (false) {',
  }),
  plantRow('B9', 'a renewal gives up at its first conflict', 1000, {
    file: 'commit/move.ts',
    find: 'if (!this.#isOver(this.#tries)) {',
    put: 'if (false) {',
  }),
  plantRow('C1', 'a sign-out that was not done is answered as if it had been', 2000, {
    file: 'http/failure-response.ts',
    find: "if (asked === 'change' && hasTaken !== true) return",
    put: "if (asked !== 'sign-in') return",
  }),
  plantRow('C1', 'a sign-in that was not done is answered as if it had been', 2000, {
    file: 'http/failure-response.ts',
    find: "if (asked === 'change' && hasTaken !== true) return",
    put: "if (asked !== 'sign-out') return",
  }),
  plantRow('C3', 'what cannot be sent is found out after the commit', 2000, {
    file: 'sessions/lazy-request.ts',
    find: 'const fault = this.#opened === null ? null : answerFault(response)',
    put: 'const fault = null',
  }),
  plantRow('C3', 'what cannot be sent drops the sign-out as well', 5000, {
    file: 'session/control.ts',
    find: "const isDestroyed = this.asked.intent === 'destroy'",
    put: 'const isDestroyed = false',
  }),
  plantRow('C4', 'a listener that rejects ends the process', 100, {
    file: 'events.ts',
    find: 'if (heard) Promise.resolve(heard).catch(() => {})',
    put: 'void heard',
  }),
  plantRow('C5', 'a sign-out whose retry meets a wrong set-up is forgotten', 15_000, {
    file: 'commit/retry-sign-out.ts',
    find: "if (written !== null && written.outcome !== 'unconfirmed') break",
    put: "if (written === null || written.outcome !== 'unconfirmed') break",
  }),
  plantRow('D1', 'a new session begins without the defaults of its schema', 500, {
    file: 'commit/plan.ts',
    find: 'beginRecord(context, context.now(), root, base)',
    put: 'beginRecord(context, context.now(), root, new Map())',
  }),
  plantRow('D1', 'what others have saved is merged as it is stored', 20_000, {
    file: 'commit/read-again.ts',
    find: "return typeof record === 'string' ? 'unavailable' : { ...found, record }",
    put: 'return found',
  }),
  plantRow('D1', 'a sign-in that begins a session alone begins it without the defaults', 10_000, {
    file: 'commit/accept-by-schema.ts',
    find: 'beginRecord(context, createdAt, root, await emptyBase(context))',
    put: 'beginRecord(context, createdAt, root, new Map())',
  }),
  plantRow('D2', 'what the schema refuses is saved', 500, {
    file: 'data/schema.ts',
    find: 'if (result.issues) throw refuse(namesOf(result.issues))',
    put: 'if (result.issues) return dropped',
  }),
  plantRow('D2', 'what the schema refuses of a merge is saved', 15_000, {
    file: 'commit/accept-by-schema.ts',
    find: 'return checkRecord(context, replay(record, edit, context), edit.changes, refuseMerged)',
    put: 'return replay(record, edit, context)',
  }),
  {
    isCost: true,
    ...plantRow('E1', 'a sign-in reads a record more', 2000, {
      file: 'commit/move.ts',
      find: 'const put = await this.#moved.put(this.#replayed.record, this.#time)',
      put: `if (this.#mover.edit.signIn) await readEntry(this.#context, this.#loaded.address)
      const put = await this.#moved.put(this.#replayed.record, this.#time)`,
    }),
  },
  plantRow('E2', 'a list that others change at the same time is called an outage', 2000, {
    file: 'subjects/change-list.ts',
    find: 'await backOff(tries)',
    put: "return all('unavailable')",
  }),
  plantRow('E3', 'the list is not told that a session is used', 10_000, {
    file: 'load/load.ts',
    find: 'if (isDue && touch) await',
    put: 'if (isDue && !touch) await',
  }),
  plantRow('H1', 'a record that is sealed with an unknown secret counts as damaged', 5000, {
    file: 'crypto/sealed-frame.ts',
    find: 'return hasHead(sealed) && (await secretOf(sealed)) === undefined',
    put: 'return false',
  }),
  plantRow('H1', 'a record is opened with the newest secret alone', 2000, {
    file: 'crypto/keyring.ts',
    find: 'return secrets.find((secret) =>',
    put: 'return secrets.slice(0, 1).find((secret) =>',
  }),
  plantRow('H1', 'a secret seals as soon as it is known', 5000, {
    file: 'crypto/keyring.ts',
    find: 'return (await this.#secrets)[0] as Secret',
    put: 'return (await this.#secrets).at(-1) as Secret',
  }),
  plantRow('G8', 'the time of a stall counts as time of the commit', 15_000, {
    file: 'loop-stopwatch.ts',
    find: 'if (elapsed > 0 && elapsed <= 2 * lookEvery)',
    put: 'if (elapsed > 0)',
  }),
  plant('a request beside a sign-in or a renewal is told the token that this makes', 8000, {
    file: 'commit/move.ts',
    find: "outcome: 'saved', keepsCookie: true }",
    put: "outcome: 'saved' }",
  }),
  plant('a commit gives up at its second conflict', 2000, {
    file: 'rules/retry-limits.ts',
    find: 'export const maxTries = 16',
    put: 'export const maxTries = 2',
  }),
  plant('a commit goes on for as long as there are conflicts', 5000, {
    file: 'rules/retry-limits.ts',
    find: ' || passed >= maxDuration',
    put: '',
  }),
  plant('an event has a whole id', 100, {
    file: 'events.ts',
    find: 'return id.slice(0, 8)',
    put: 'return id',
  }),
]

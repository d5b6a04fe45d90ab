import type { Lifetime } from '../rules/lifetime.ts'
import { hasEnded } from '../rules/lifetime.ts'
import { identifyOwned, placesOf } from './list.ts'
import type { Listed, ListVault, LoadedList, SubjectList } from './list.ts'
import type { Entry, Owner } from '../store/record.ts'
import type { Secret } from '../crypto/seal.ts'
import type { Identity } from '../crypto/token.ts'
import type { Vault } from '../store/sealed-store.ts'

/** How a change of a list ended. `missing`: there was no list to change. */
export type ListOutcome = 'saved' | 'missing' | 'conflict' | 'unavailable'

export interface SubjectsContext {
  readonly lists: ListVault
  readonly entries: Vault<Entry>
  readonly secrets: Promise<readonly Secret[]>
  readonly namespace: string
  readonly lifetime: Lifetime
  /** How many sessions a subject may have; the oldest end when there are more. */
  readonly sessionsPerSubject: number
  readonly now: () => number
  readonly backOff: (tries: number) => Promise<void>
}

/** The sessions of each subject, by name. */
export interface Subjects {
  /** Where the list of a subject is kept now. */
  readonly listIdOf: (subject: string) => Promise<string>
  /** Puts a session that is being signed in to into its subject's list. */
  readonly put: (owner: Owner, listed: Listed) => Promise<ListOutcome>
  /**
   * Brings a session up to date in the list, and leaves it out if it is not in there: then it was revoked
   * meanwhile, and must not come back. Without a label it keeps the one it has.
   */
  readonly update: (owner: Owner, listed: Listed) => Promise<ListOutcome>
  /** Takes a session out. */
  readonly remove: (owner: Owner) => Promise<ListOutcome>
  /** Ends all of a subject's sessions but one. */
  readonly revoke: (subject: string, except: string | null) => Promise<ListOutcome>
  /** Ends one. */
  readonly end: (subject: string, handle: string) => Promise<ListOutcome>
  /** The sessions that are alive. */
  readonly list: (subject: string) => Promise<ReadonlyMap<string, Listed> | 'unavailable'>
}

type Change = (list: SubjectList) => SubjectList | Promise<SubjectList>

const maxTries = 16
const empty: SubjectList = new Map()

export function createSubjects(context: SubjectsContext): Subjects {
  const { lists, entries, namespace, lifetime, sessionsPerSubject, now, backOff } = context

  const placesFor = async (subject: string): Promise<readonly Identity[]> =>
    placesOf(await context.secrets, namespace, subject)

  const isOver = ({ createdAt }: Listed): boolean => hasEnded(lifetime, createdAt, now())

  async function write(
    identity: Identity,
    loaded: LoadedList | null,
    list: SubjectList,
  ): Promise<'saved' | 'conflict' | 'unavailable'> {
    const expiry = now() + lifetime.absolute
    if (loaded !== null) {
      const result = await lists.save(identity, list, expiry, loaded.version)
      return result === 'missing' ? 'conflict' : result
    }
    const result = await lists.create(identity, list, expiry)
    return result === 'created' ? 'saved' : result === 'taken' ? 'conflict' : result
  }

  async function change(identity: Identity, create: boolean, edit: Change): Promise<ListOutcome> {
    for (let tries = 1; tries <= maxTries; tries++) {
      const found = await lists.load(identity)
      if (found === 'unavailable') return found
      // A list that nobody can read counts nobody's session; it only stands in the way.
      if (found === 'unreadable') await lists.delete(identity)
      const loaded = typeof found === 'string' ? null : found
      if (loaded === null && !create) return 'missing'
      const before = loaded?.record ?? empty
      const after = await edit(before)
      if (after === before) return 'saved'
      const result = await write(identity, loaded, after)
      if (result !== 'conflict') return result
      await backOff(tries)
    }
    return 'conflict'
  }

  async function isAlive([, listed]: readonly [string, Listed]): Promise<boolean> {
    return !isOver(listed) && (await entries.has(listed.id)) !== false
  }

  async function onlyAlive(list: SubjectList): Promise<SubjectList> {
    const all = [...list]
    const alive = await Promise.all(all.map(isAlive))
    return new Map(all.filter((_, at) => alive[at]))
  }

  /** Makes room: what is over by time; then, if that is not enough, what is dead; then the oldest. */
  async function makeRoom(list: SubjectList): Promise<Map<string, Listed>> {
    const current = new Map([...list].filter(([, listed]) => !isOver(listed)))
    if (current.size < sessionsPerSubject) return current
    const alive = [...(await onlyAlive(current))]
    alive.sort(([, left], [, right]) => right.createdAt - left.createdAt)
    return new Map(alive.slice(0, sessionsPerSubject - 1))
  }

  function without(list: SubjectList, handle: string): SubjectList {
    return list.has(handle) ? new Map([...list].filter(([each]) => each !== handle)) : list
  }

  /** The same change in every place that may have a list of the subject. */
  async function everywhere(
    subject: string,
    act: (place: Identity) => Promise<ListOutcome>,
  ): Promise<ListOutcome> {
    const outcomes = await Promise.all((await placesFor(subject)).map(act))
    const order: readonly ListOutcome[] = ['unavailable', 'conflict', 'saved']
    return order.find((outcome) => outcomes.includes(outcome)) ?? 'missing'
  }

  async function deleteList(identity: Identity): Promise<ListOutcome> {
    const first = await lists.delete(identity)
    // Deleting twice is deleting once, so a lost reply is worth a second try.
    const result = first === 'unavailable' ? await lists.delete(identity) : first
    if (result === 'deleted') return 'saved'
    return result === 'missing' && first === 'unavailable' ? 'saved' : result
  }

  return {
    async listIdOf(subject) {
      const [newest] = await placesFor(subject)
      return (newest as Identity).id
    },
    put: (owner, listed) =>
      change(identifyOwned(owner), true, async (list) => {
        const room = list.has(owner.handle) ? new Map(list) : await makeRoom(list)
        return room.set(owner.handle, listed)
      }),
    update: (owner, listed) =>
      change(identifyOwned(owner), false, (list) => {
        const known = list.get(owner.handle)
        if (known === undefined) return list
        return new Map(list).set(owner.handle, { ...listed, label: listed.label ?? known.label })
      }),
    remove: (owner) => change(identifyOwned(owner), false, (list) => without(list, owner.handle)),
    revoke: (subject, except) =>
      everywhere(subject, (place) =>
        except === null
          ? deleteList(place)
          : change(place, false, (list) => new Map([...list].filter(([each]) => each === except))),
      ),
    end: (subject, handle) =>
      everywhere(subject, async (place) => {
        let ended: Listed | undefined
        const outcome = await change(place, false, (list) => {
          ended = list.get(handle)
          return without(list, handle)
        })
        if (outcome !== 'saved') return outcome
        if (ended === undefined) return 'missing'
        await entries.delete({ id: ended.id, token: '' })
        return outcome
      }),
    async list(subject) {
      const found = await Promise.all((await placesFor(subject)).map((place) => lists.load(place)))
      if (found.includes('unavailable')) return 'unavailable'
      const all = found.flatMap((each) => (typeof each === 'string' ? [] : [...each.record]))
      return onlyAlive(new Map(all))
    },
  }
}

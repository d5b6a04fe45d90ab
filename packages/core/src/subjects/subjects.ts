import type { Address } from '../crypto/address.ts'
import { encodeBase64url } from '../crypto/base64url.ts'
import type { Keyring } from '../crypto/keyring.ts'
import type { RandomBytes } from '../crypto/random.ts'
import { randomBytes } from '../crypto/random.ts'
import { hasEnded } from '../rules/lifetime.ts'
import type { Entry, Owner } from '../store/record.ts'
import type { SealedStore } from '../store/sealed-store.ts'
import { changeList } from './change-list.ts'
import type { ListContext, ListOutcome } from './change-list.ts'
import { listAddresses, listAddressOf, without } from './list.ts'
import type { Listed, SubjectList } from './list.ts'

export interface SubjectsContext extends ListContext {
  readonly records: SealedStore<Entry>
  readonly keyring: Keyring
  readonly namespace: string
  /** How many sessions a subject may have; the oldest end when there are more. */
  readonly sessionsPerSubject: number
  readonly random: RandomBytes
}

/** A new tie between a session and a subject, for a sign-in. */
export async function newOwner(context: SubjectsContext, subject: string): Promise<Owner> {
  const [newest] = await listAddresses(context.keyring, context.namespace, subject)
  const ref = encodeBase64url(randomBytes(context.random, 12))
  return { subject, listId: (newest as Address).id, ref }
}

/** Puts a session that is being signed in to into its subject's list, and the oldest out if it is full. */
export async function enlist(
  context: SubjectsContext,
  owner: Owner,
  listed: Listed,
): Promise<ListOutcome> {
  return changeList(context, listAddressOf(owner), { create: true }, async (list) => {
    const room = list.has(owner.ref) ? new Map(list) : await makeRoom(context, list)
    return room.set(owner.ref, listed)
  })
}

/**
 * Brings a session up to date in the list, and leaves it out if it is not in there: then it was revoked
 * meanwhile, and must not come back. Without a label it keeps the one it has.
 */
export async function updateListed(
  context: SubjectsContext,
  owner: Owner,
  listed: Listed,
): Promise<ListOutcome> {
  return changeList(context, listAddressOf(owner), { create: false }, (list) => {
    const known = list.get(owner.ref)
    if (known === undefined) return list
    return new Map(list).set(owner.ref, { ...listed, label: listed.label ?? known.label })
  })
}

/** Takes a session out of its subject's list. */
export async function delist(context: SubjectsContext, owner: Owner): Promise<ListOutcome> {
  const address = listAddressOf(owner)
  return changeList(context, address, { create: false }, (list) => without(list, owner.ref))
}

/** Ends all of a subject's sessions but one. */
export async function revokeSubject(
  context: SubjectsContext,
  subject: string,
  except: string | null,
): Promise<ListOutcome> {
  return everywhere(context, subject, (address) =>
    except === null
      ? deleteList(context, address)
      : changeList(
          context,
          address,
          { create: false },
          (list) => new Map([...list].filter(([ref]) => ref === except)),
        ),
  )
}

/** Ends one session of a subject. */
export async function endListed(
  context: SubjectsContext,
  subject: string,
  ref: string,
): Promise<ListOutcome> {
  return everywhere(context, subject, async (address) => {
    let ended: Listed | undefined
    const outcome = await changeList(context, address, { create: false }, (list) => {
      ended = list.get(ref)
      return without(list, ref)
    })
    if (outcome !== 'saved') return outcome
    if (ended === undefined) return 'missing'
    await context.records.delete(ended.id)
    return outcome
  })
}

/** The sessions of a subject that are alive. */
export async function listSubject(
  context: SubjectsContext,
  subject: string,
): Promise<SubjectList | 'unavailable'> {
  const addresses = await listAddresses(context.keyring, context.namespace, subject)
  const found = await Promise.all(addresses.map((address) => context.lists.load(address)))
  if (found.includes('unavailable')) return 'unavailable'
  const all = found.flatMap((each) => (typeof each === 'string' ? [] : [...each.record]))
  return onlyAlive(context, new Map(all))
}

/** Makes room for one: drops what has ended by time; if that is not enough, the dead; then the oldest. */
async function makeRoom(context: SubjectsContext, list: SubjectList): Promise<Map<string, Listed>> {
  const current = new Map([...list].filter(([, listed]) => !isOver(context, listed)))
  if (current.size < context.sessionsPerSubject) return current
  const alive = [...(await onlyAlive(context, current))]
  alive.sort(([, left], [, right]) => right.createdAt - left.createdAt)
  return new Map(alive.slice(0, context.sessionsPerSubject - 1))
}

async function onlyAlive(context: SubjectsContext, list: SubjectList): Promise<SubjectList> {
  const all = [...list]
  const alive = await Promise.all(all.map(([, listed]) => isAlive(context, listed)))
  return new Map(all.filter((_, at) => alive[at]))
}

async function isAlive(context: SubjectsContext, listed: Listed): Promise<boolean> {
  return !isOver(context, listed) && (await context.records.has(listed.id)) !== false
}

function isOver({ lifetime, now }: SubjectsContext, { createdAt }: Listed): boolean {
  return hasEnded(lifetime, createdAt, now())
}

/** The same change in every place that may have a list of the subject; the worst outcome counts. */
async function everywhere(
  context: SubjectsContext,
  subject: string,
  act: (address: Address) => Promise<ListOutcome>,
): Promise<ListOutcome> {
  const addresses = await listAddresses(context.keyring, context.namespace, subject)
  const outcomes = await Promise.all(addresses.map(act))
  const worstFirst: readonly ListOutcome[] = ['unavailable', 'conflict', 'saved']
  return worstFirst.find((outcome) => outcomes.includes(outcome)) ?? 'missing'
}

async function deleteList({ lists }: SubjectsContext, { id }: Address): Promise<ListOutcome> {
  const first = await lists.delete(id)
  // Deleting twice is deleting once, so a lost reply is worth a second try.
  const result = first === 'unavailable' ? await lists.delete(id) : first
  if (result === 'deleted') return 'saved'
  return result === 'missing' && first === 'unavailable' ? 'saved' : result
}

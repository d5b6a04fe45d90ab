import type { Address } from '../crypto/record-address.ts'
import { encodeBase64url } from '../crypto/base64url.ts'
import type { Keyring } from '../crypto/keyring.ts'
import type { RandomBytes } from '../crypto/random.ts'
import { randomBytes } from '../crypto/random.ts'
import type { Owner, SessionRecord } from '../store/record.ts'
import { changeList } from './change-list.ts'
import type { ListContext, ListOutcome } from './change-list.ts'
import { makeRoom, onlyAlive } from './make-room.ts'
import type { LimitContext } from './make-room.ts'
import { listAddresses, listAddressOf, without } from './list-record.ts'
import type { Listed, SubjectList } from './list-record.ts'

export interface SubjectsContext extends ListContext, LimitContext {
  readonly keyring: Keyring
  readonly namespace: string
  readonly random: RandomBytes
}

/** A new link between a session and a subject, for a sign-in; `null` without a subject. */
export function newOwner(context: SubjectsContext, subject: string): Promise<Owner>
export function newOwner(
  context: SubjectsContext,
  subject: string | null | undefined,
): Promise<Owner | null>
export async function newOwner(
  context: SubjectsContext,
  subject?: string | null,
): Promise<Owner | null> {
  if (!subject) return null
  const [newest] = await listAddresses(context.keyring, context.namespace, subject)
  const ref = encodeBase64url(randomBytes(context.random, 12))
  return { subject, listId: (newest as Address).id, ref }
}

/**
 * Adds a session that signs in to its subject's list, and removes the oldest if the list is full. The session that the
 * sign-in replaces (`former`) does not count towards the limit, and stays in the list until the sign-in is done.
 */
export function enlist(
  context: SubjectsContext,
  owner: Owner,
  listed: Listed,
  former: Owner | null = null,
): Promise<ListOutcome> {
  const refs = [former?.ref, owner.ref]
  return changeList(context, listAddressOf(owner), {
    creates: true,
    edit(list) {
      const others = new Map([...list].filter(([ref]) => !refs.includes(ref)))
      const replaced = [...list].filter(([ref]) => ref === former?.ref)
      return new Map([...replaced, ...makeRoom(others, context), [owner.ref, listed]])
    },
  })
}

/**
 * Makes room for a session that is in the list. If it is not, it was revoked in the meantime: nothing is removed, and
 * no list is created.
 */
export function makeRoomBeside(context: SubjectsContext, owner: Owner): Promise<ListOutcome> {
  return changeList(context, listAddressOf(owner), {
    creates: false,
    edit(list) {
      const own = list.get(owner.ref)
      if (own === undefined) return list
      return new Map([...makeRoom(without(list, owner.ref), context), [owner.ref, own]])
    },
  })
}

/**
 * Updates a session in the list. If it is not in the list, it was revoked in the meantime, and is not added again.
 */
export function updateListed(
  context: ListContext,
  owner: Owner,
  update: Partial<Listed>,
): Promise<ListOutcome> {
  return changeList(context, listAddressOf(owner), {
    creates: false,
    edit(list) {
      const known = list.get(owner.ref)
      return known === undefined ? list : new Map(list).set(owner.ref, latest(known, update))
    },
  })
}

/** A late update, such as a use during a renewal, does not move a time backwards. */
function latest(known: Listed, update: Partial<Listed>): Listed {
  const latestOf = (name: 'createdAt' | 'renewedAt' | 'seenAt'): number =>
    Math.max(known[name] ?? 0, update[name] ?? 0)
  return {
    ...known,
    ...update,
    createdAt: latestOf('createdAt'),
    renewedAt: latestOf('renewedAt') || null,
    seenAt: latestOf('seenAt'),
  }
}

/** Records in the subject's list that the session was used. If it fails, a later use records it. */
export async function noteSeen(
  context: ListContext,
  record: SessionRecord | undefined,
): Promise<void> {
  if (!record?.owner) return
  const { owner, createdAt, renewedAt, device } = record
  const seen = { createdAt, renewedAt, seenAt: context.now() }
  // The list write of the first proof may have been lost.
  const update = device?.proofs ? { ...seen, isBound: true } : seen
  await updateListed(context, owner, update).catch(() => {})
}

/** Removes a session from its subject's list. `missing`: it is not in the list. */
export function delist(context: SubjectsContext, owner: Owner): Promise<ListOutcome> {
  return removeFrom(context, listAddressOf(owner), owner.ref)
}

async function removeFrom(
  context: SubjectsContext,
  address: Address,
  ref: string,
): Promise<ListOutcome> {
  let wasListed = false
  const outcome = await changeList(context, address, {
    creates: false,
    edit(list) {
      wasListed ||= list.has(ref)
      return without(list, ref)
    },
  })
  return outcome === 'saved' && !wasListed ? 'missing' : outcome
}

/** Ends all of a subject's sessions, except for one if `except` is set. */
export function revokeSubject(
  context: SubjectsContext,
  subject: string,
  except: string | null,
): Promise<ListOutcome> {
  const edit = (list: SubjectList): SubjectList =>
    new Map([...list].filter(([ref]) => ref === except))
  return everywhere(context, subject, (address) =>
    except === null
      ? deleteList(context, address)
      : changeList(context, address, { creates: false, edit }),
  )
}

/** Ends one session of a subject by removing it from the list. */
export function endListed(
  context: SubjectsContext,
  subject: string,
  ref: string,
): Promise<ListOutcome> {
  return everywhere(context, subject, (address) => removeFrom(context, address, ref))
}

/** The live sessions of a subject. */
export async function listSubject(
  context: SubjectsContext,
  subject: string,
): Promise<SubjectList | 'unavailable'> {
  const { lists, keyring, namespace } = context
  const addresses = await listAddresses(keyring, namespace, subject)
  const found = await Promise.all(addresses.map((address) => lists.load(address)))
  if (found.some((each) => each === 'unavailable' || each === 'unknown-secret'))
    return 'unavailable'
  const all = found.flatMap((each) => (typeof each === 'string' ? [] : [...(each.record ?? [])]))
  return onlyAlive(new Map(all), context)
}

/** Applies the same change at every address that may hold a list of the subject; the worst outcome counts. */
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
  // A delete is idempotent, so a lost reply is worth a second try.
  const result = first === 'unavailable' ? await lists.delete(id) : first
  if (result === 'deleted') return 'saved'
  return result === 'missing' && first === 'unavailable' ? 'saved' : result
}

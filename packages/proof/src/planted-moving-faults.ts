import type { Edit } from './planted-fault.ts'

const claims = 'moving/claimed-place.ts'
const moves = 'moving/moving-store.ts'

/** Faults in moving sessions from one store to another, one for each step. */
export const plantedMovingFaults = {
  'the place is looked at before it is claimed': [
    {
      file: claims,
      find: 'const isOwn = await',
      put: 'const before = await mayPut(claim)\n  const isOwn = await',
    },
    {
      file: claims,
      find: 'isOwn ? mayPut(claim) : null',
      put: 'isOwn ? Promise.resolve(before) : null',
    },
  ],
  'a claim is enough': [
    {
      file: claims,
      find: 'isOwn ? mayPut(claim) : null',
      put: 'isOwn ? Promise.resolve(true) : null',
    },
  ],
  'the claim of another is taken over without a look': [
    {
      file: claims,
      find: 'early === true : await mayPut(there.bytes)',
      put: 'early === true : true',
    },
  ],
  'a look counts for a claim that was made after it': [
    {
      file: claims,
      find: 'isStillOwn ? early === true : await mayPut(there.bytes)',
      put: 'early === true || (await mayPut(there.bytes))',
    },
  ],
  'the record replaces whatever is there by then': [
    {
      file: claims,
      find: 'const saved = await store.save(id, bytes, expiresAt, there.version)',
      put: "await store.delete(id)\n    const saved = (await store.create(id, bytes, expiresAt)) ? 'saved' : 'lost'",
    },
  ],
  'a claim that was lost counts': [
    { file: claims, find: "return saved === 'saved' ? 'put' : 'lost'", put: "return 'put'" },
  ],
  'a claim that was refused is deleted with what has replaced it': [
    {
      file: claims,
      find: "await store.delete(id, there.version)\n  return 'refused'",
      put: "await store.delete(id)\n  return 'refused'",
    },
  ],
  'a claim in the other store is left': [
    {
      file: claims,
      find: "if ((await store.delete(id, there.version)) === 'deleted') return true",
      put: 'return true',
    },
  ],
  'a claim in the other store is deleted with what has replaced it': [
    {
      file: claims,
      find: "if ((await store.delete(id, there.version)) === 'deleted') return true",
      put: 'await store.delete(id)\n    return true',
    },
  ],
  'what has replaced a claim in the other store is not looked at': [
    {
      file: claims,
      find: "if ((await store.delete(id, there.version)) === 'deleted') return true",
      put: 'await store.delete(id, there.version)\n    return true',
    },
  ],
  'a claim in the other store is a record': [
    { file: claims, find: 'if (!isClaim(there.bytes)) return false', put: 'return false' },
  ],
  'a creation does not look into the other store': [
    {
      file: moves,
      find: 'isFree(other, id, claim),',
      put: 'isFree(other, id, claim).then(() => true),',
    },
  ],
  'a load gives a claim': [
    {
      file: moves,
      find: 'if (found === null || isClaim(found.bytes)) return null\n    return { bytes',
      put: 'if (found === null) return null\n    return { bytes',
    },
  ],
  'a claim in the old store is a record': [
    {
      file: moves,
      find: 'if (old === null || isClaim(old.bytes)) return null',
      put: 'if (old === null) return null',
    },
  ],
  'a copy does not look whether its record is still there': [
    {
      file: moves,
      find: 'return again !== null && isSame(again.bytes, old.bytes)',
      put: 'return true',
    },
  ],
  'a copy takes another record for its own': [
    {
      file: moves,
      find: 'again !== null && isSame(again.bytes, old.bytes)',
      put: 'again !== null',
    },
  ],
  'a record is deleted before it is copied': [
    {
      file: moves,
      find: 'const put = await putUnderClaim(this.#to, id, departed, this.#now(), isStillThere)',
      put: 'await this.#from.delete(id, old.version)\n    const put = await putUnderClaim(this.#to, id, departed, this.#now(), async () => (await isStillThere()) || true)',
    },
  ],
  'a record is deleted after its copy, also if it is another one': [
    { file: moves, find: 'this.#from.delete(id, old.version)', put: 'this.#from.delete(id)' },
  ],
  'a record stays beside its copy': [
    {
      file: moves,
      find: "return (await this.#from.delete(id, old.version)) !== 'conflict'",
      put: 'return true',
    },
  ],
  'a copy that was lost counts': [
    {
      file: moves,
      find: "if (put === 'refused' || put === 'lost') return false",
      put: "if (put === 'refused') return false",
    },
  ],
  'an end begins in the new store': [
    {
      file: moves,
      find: 'const old = await this.#from.delete(id)\n      const next = await this.#to.delete(id)',
      put: 'const next = await this.#to.delete(id)\n      const old = await this.#from.delete(id)',
    },
  ],
  'an end in the old store is enough': [
    {
      file: moves,
      find: 'const next = await this.#to.delete(id)',
      put: "const next = old === 'deleted' ? old : await this.#to.delete(id)",
    },
  ],
  'a load looks into the new store first': [
    {
      file: moves,
      find: 'const old = await this.#settled(id, expiresAt)\n    if (old !== null)',
      put: 'const first = await this.#to.load(id)\n    const old = await this.#settled(id, expiresAt)\n    if (old === null && first === null) return null\n    if (old !== null)',
    },
  ],
  'a save takes a record that has moved for none': [
    { file: moves, find: "if (saved === 'missing') return this.#missed(id)", put: '' },
  ],
  'a delete takes a record that has moved for none': [
    { file: moves, find: 'return isElsewhere ? this.#missed(id) : deleted', put: 'return deleted' },
  ],
} as const satisfies Readonly<Record<string, readonly Edit[]>>

export type MovingFault = keyof typeof plantedMovingFaults

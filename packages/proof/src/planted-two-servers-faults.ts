import type { Edit } from './planted-fault.ts'

const cluster = 'cluster/cluster.ts'
const move = 'cluster/move-to-first.ts'

/**
 * Faults in the cluster's source, or in the order in which servers are added. Each removes one thing that a record
 * needs to move safely.
 */
export const plantedTwoServersFaults = {
  'the first is not asked again': [
    {
      file: cluster,
      find: '(await getFrom(second, key, ttl, known)) ??\n      getFrom(first, key, ttl)',
      put: 'getFrom(second, key, ttl)',
    },
  ],
  'a deletion begins with the first': [
    {
      file: cluster,
      find: 'servers[second]!.delete(key)\n    await former.catch(() => undefined)\n    const result = await servers[first]!',
      put: 'servers[first]!.delete(key)\n    await former.catch(() => undefined)\n    const result = await servers[second]!',
    },
  ],
  'a deletion goes to both at once': [
    {
      file: cluster,
      find: 'await former.catch(() => undefined)\n    const result = await servers[first]!.delete(key)',
      put: 'const last = servers[first]!.delete(key)\n    await Promise.allSettled([former, last])\n    const result = await last',
    },
  ],
  'one claim serves several': [
    {
      file: move,
      find: "(await first.replace(key, claim, claimTtl, found.cas)) === 'saved'",
      put: 'true',
    },
    { file: move, find: 'Buffer.compare(hit.value, claim) === 0', put: 'true' },
  ],
  'the claim comes after the record was frozen': [
    { file: move, find: 'if (claim === null) return', put: 'if (false) return' },
    { file: move, find: "=== 'deleted' ? result : 'conflict'", put: "&& 'conflict'" },
    {
      file: move,
      find: "frame('copied', value), ttl, claim)",
      put: "frame('copied', value), ttl, (await claimKey(first, key)) ?? new Uint8Array(1))",
    },
  ],
  'the record is not frozen': [{ file: move, find: "frame('frozen', value)", put: 'value' }],
  'the version of the second is not asked for': [
    { file: move, find: ', ttl, cas)\n', put: ', ttl, (await second.get(key))?.cas ?? cas)\n' },
  ],
  'the second is emptied before the first has the copy': [
    {
      file: move,
      find: 'const copied = await',
      put: 'await second.delete(key)\n    const copied = await',
    },
  ],
  'the second is not emptied': [
    {
      file: move,
      find: "if (copied === 'saved') await second.delete(key)",
      put: 'void [copied, second]',
    },
  ],
  'the second is emptied whatever has become of the copy': [
    { file: move, find: "if (copied === 'saved') await", put: 'void copied\n    await' },
  ],
  'the copy does not say that it is one': [
    { file: move, find: "frame('copied', value)", put: 'value' },
  ],
  'a copy is written while the second has the record': [
    {
      file: cluster,
      find: 'second >= 0) await servers[second]!.delete(key)',
      put: 'second < -1) return',
    },
  ],
  'a frozen record is deleted as any other': [
    {
      file: cluster,
      find: "if (isAtSecond && stage === 'frozen') return deleteFrozen(key, version)",
      put: 'void deleteFrozen',
    },
  ],
  'a record that has moved is taken for one that has ended': [
    { file: cluster, find: "if (result !== 'missing') return result", put: 'return result' },
  ],
  'a record that another process has moved is taken for one that has ended': [
    { file: move, find: "=== 'deleted' ? result : 'conflict'", put: '&& result' },
  ],
  'the next server comes when the second has just been asked no more': [
    { file: 'two-servers.ts', find: "former.expire('frozen')", put: 'void former' },
  ],
  'the next server comes while records have not moved': [
    { file: 'two-servers.ts', find: 'former.expire(null)', put: 'void former' },
  ],
  'a claim is in the way of a new record': [
    { file: cluster, find: '|| addOverClaim(first, key, value, ttl)', put: '&& !!addOverClaim' },
  ],
} as const satisfies Readonly<Record<string, readonly Edit[]>>

export type TwoServersFault = keyof typeof plantedTwoServersFaults

import type { ValkeyCluster } from './cluster.ts'
import type { ValkeyProcess } from './process.ts'

/** A slot that moves from one primary of a cluster to another, as `CLUSTER SETSLOT` describes it. */
export interface MovingSlot {
  /** Moves the present keys one after another, and returns how many there were. */
  moveKeys(most?: number): Promise<number>
  /** Moves the remaining keys, and assigns the slot to the new primary. */
  finish(): Promise<void>
}

/** Starts to move a slot: from now on, keys that the old primary does not have are requested from the new one. */
export async function moveSlot(
  cluster: ValkeyCluster,
  slot: number,
  from: ValkeyProcess,
  to: ValkeyProcess,
): Promise<MovingSlot> {
  const [source, target] = (await Promise.all(
    [from, to].map((node) => node.ask('cluster', 'myid')),
  )) as [string, string]
  await to.ask('cluster', 'setslot', String(slot), 'importing', source)
  await from.ask('cluster', 'setslot', String(slot), 'migrating', target)

  async function moveKeys(most = Infinity): Promise<number> {
    const count = String(Math.min(most, 1000))
    const keys = await from.ask('cluster', 'getkeysinslot', String(slot), count)
    for (const key of keys as readonly string[]) {
      await from.ask('migrate', '127.0.0.1', String(to.port), key, '0', '5000')
    }
    return (keys as readonly string[]).length
  }

  return {
    moveKeys,
    async finish() {
      while ((await moveKeys()) > 0);
      const others = cluster.primaries.filter((node) => node !== from && node !== to)
      // The new one first, so that no server redirects to one that does not know yet.
      for (const node of [to, from, ...others]) {
        await node.ask('cluster', 'setslot', String(slot), 'node', target)
      }
    },
  }
}

import { Socket } from 'node:net'
import { onTestFinished, vi } from 'vitest'
import type { ValkeyStore } from '../src/store/valkey-store.ts'

const soon = (): number => Date.now() + 60_000

/** How often sockets write while 100 sessions are asked for at once, and 100 more behind them. */
export async function countWrites(store: ValkeyStore): Promise<number> {
  await store.create('first', new Uint8Array(300), soon())
  const one = vi.spyOn(Socket.prototype, '_write')
  // Node has it; its types have it for streams only.
  const many = vi.spyOn(Socket.prototype as Required<Pick<Socket, '_writev'>>, '_writev')
  onTestFinished(() => void vi.restoreAllMocks())
  const ids = Array.from({ length: 100 }, (_, at) => `id-${at}`)
  const loads = ids.map((id) => store.load(id))
  await Promise.resolve()
  const behind = ids.map((id) => store.load(id, soon()))
  await Promise.all([...loads, ...behind])
  return one.mock.calls.length + many.mock.calls.length
}

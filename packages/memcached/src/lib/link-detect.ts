import { binaryCheck, openBinaryLink } from './binary-wire.ts'
import { StoreError } from './errors.ts'
import { linkSettings, type WireOptions } from './link-options.ts'
import type { Command, Reply } from './link-codec.ts'
import type { Link } from './link.ts'
import { metaCheck, openMetaLink } from './meta-wire.ts'

export type Protocol = 'binary' | 'meta'

/**
 * Asks the node which protocol it speaks, on connections of their own. Meta is tried first, binary
 * when the node hangs up on it or does not know it; with a login the other way round, as a node that
 * wants none would take the meta protocol's login for a record.
 *
 * Rejects with a `StoreError`: `unavailable` and the like when the node could not be asked, otherwise
 * what it said to the second question.
 */
export async function detect(options: WireOptions): Promise<Protocol> {
  const settings = linkSettings(options)
  const speaks: Record<Protocol, () => Promise<boolean>> = {
    meta: () => ask(openMetaLink(settings), metaCheck()),
    binary: () => ask(openBinaryLink(settings), binaryCheck()),
  }
  const order = settings.login ? (['binary', 'meta'] as const) : (['meta', 'binary'] as const)
  if (await speaks[order[0]]()) return order[0]
  if (await speaks[order[1]]()) return order[1]
  const message = 'The node speaks neither the meta nor the binary protocol'
  throw new StoreError('config', message, { sent: false })
}

/** Whether the node answers as it should; rejects when that says nothing about the protocol. */
async function ask<reply extends Reply>(
  link: Link<reply>,
  command: Command<reply, void>,
): Promise<boolean> {
  try {
    await link.submit(command)
    return true
  } catch (error) {
    const { code } = error as StoreError
    if (link.hungUp && code !== 'overloaded' && code !== 'auth') return false
    if (code === 'config' || code === 'protocol') return false
    throw error
  } finally {
    link.close()
  }
}

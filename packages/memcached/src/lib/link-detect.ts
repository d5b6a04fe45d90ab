import { binaryCheck, openBinaryLink } from './binary-wire.ts'
import { StoreError, type StoreErrorCode } from './errors.ts'
import { linkSettings, type WireOptions } from './link-options.ts'
import type { Command, Reply } from './link-codec.ts'
import type { Link } from './link.ts'
import { metaCheck, openMetaLink } from './meta-wire.ts'

export type Protocol = 'binary' | 'meta'

/**
 * Asks the node which protocol it speaks, on connections of their own: meta first, and binary when
 * the node hangs up on it or does not know it. The first question is asked without the login: a
 * node that wants another says so, and where no login is wanted none has been told.
 *
 * Rejects with a `StoreError`: `unavailable` and the like when the node could not be asked, `auth`
 * when it does not let us in, `config` when it speaks neither.
 */
export async function detect(options: WireOptions): Promise<Protocol> {
  const settings = linkSettings(options)
  const meta = openMetaLink({ ...settings, login: undefined })
  if (await understands(meta, metaCheck(), 'auth')) return 'meta'
  if (await understands(openBinaryLink(settings), binaryCheck())) return 'binary'
  const message = 'The node speaks neither the meta nor the binary protocol'
  throw new StoreError('config', message, { sent: false })
}

/**
 * Whether the node answers as it should; rejects when its silence says nothing about the protocol.
 */
async function understands<reply extends Reply>(
  link: Link<reply>,
  command: Command<reply, void>,
  alsoFine?: StoreErrorCode,
): Promise<boolean> {
  try {
    await link.submit(command)
    return true
  } catch (error) {
    const { code } = error as StoreError
    if (code === alsoFine) return true
    if (code === 'config' || code === 'protocol') return false
    if (code === 'unavailable' && link.hungUp) return false
    throw error
  } finally {
    link.close()
  }
}

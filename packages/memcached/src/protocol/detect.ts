import { binaryCheck, openBinaryLink } from './binary-client.ts'
import { StoreError, type StoreErrorCode } from '../errors.ts'
import { linkSettings, type WireOptions } from '../link/settings.ts'
import type { Command, Reply } from '../link/codec.ts'
import type { Link } from '../link/connection.ts'
import { metaCheck, openMetaLink } from './meta-client.ts'

export type Protocol = 'binary' | 'meta'

/**
 * Asks the node which protocol it speaks, on connections of their own: meta first, and binary when
 * the node hangs up on it or does not know it. The first question is asked without the login: a
 * node that wants another says so, and where no login is wanted none has been told.
 *
 * Rejects with a `StoreError`: `unavailable` and the like when the node could not be asked, `auth`
 * when it does not let us in, `config` when it speaks neither. A node that hangs up on both may be
 * about to end, so it is `unavailable`.
 */
export async function detect(options: WireOptions): Promise<Protocol> {
  const settings = linkSettings(options)
  const meta = openMetaLink({ ...settings, login: undefined })
  const toMeta = await understands(meta, metaCheck(), 'auth')
  if (toMeta === 'yes') return 'meta'
  const toBinary = await understands(openBinaryLink(settings), binaryCheck())
  if (toBinary === 'yes') return 'binary'
  const code = toMeta === 'hung up' && toBinary === 'hung up' ? 'unavailable' : 'config'
  const message = 'The node speaks neither the meta nor the binary protocol'
  throw new StoreError(code, message, { sent: false })
}

/**
 * Whether the node answers as it should; rejects when its silence says nothing about the protocol.
 */
async function understands<reply extends Reply>(
  link: Link<reply>,
  command: Command<reply, void>,
  alsoFine?: StoreErrorCode,
): Promise<'yes' | 'no' | 'hung up'> {
  try {
    await link.submit(command)
    return 'yes'
  } catch (error) {
    const { code } = error as StoreError
    if (code === alsoFine) return 'yes'
    if (code === 'config' || code === 'protocol') return 'no'
    if (code === 'unavailable' && link.hungUp) return 'hung up'
    throw error
  } finally {
    link.close()
  }
}

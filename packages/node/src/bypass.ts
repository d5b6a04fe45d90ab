import { ServerResponse } from 'node:http'

type Send = (
  data: string | Uint8Array,
  encoding?: BufferEncoding,
  callback?: () => void,
  ...rest: readonly unknown[]
) => boolean

/**
 * Calls `begin` before the body of a held response leaves without its head: earlier middleware, such as a time limit, may have
 * kept Node's own `write` and `end`. They look for no other method on their way: `_send` is the one place to notice it.
 */
export function listenForBypass(
  response: ServerResponse,
  isHeld: () => boolean,
  begin: () => void,
): void {
  const { _send: send } = response as unknown as { readonly _send?: Send }
  // HTTP/2 has none, and sends no body without a head.
  if (send === undefined) return
  const guarded: Send = (...args) => {
    const [data, encoding, callback] = args
    if (!isHeld()) return send.apply(response, args)
    // By `flushHeaders`: there is nothing to send yet.
    if (callback === undefined) return false
    begin()
    if (data.length === 0) return send.apply(response, args)
    // Once more, as only the head says how a body is written, and whether there may be one.
    return ServerResponse.prototype.write.call(response, data, encoding as BufferEncoding, callback)
  }
  Object.assign(response, { _send: guarded })
}

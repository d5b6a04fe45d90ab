import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'

type On = (name: string | symbol, listener: (...args: unknown[]) => void) => ServerResponse

/**
 * Delivers our `drain` events to listeners too. Compression middleware that runs earlier redirects such listeners to
 * its own stream, but a held write returns `false`, and its `drain` is emitted on the response.
 */
export function listenForDrain(response: ServerResponse, isHeld: () => boolean): void {
  const on: On = response.on
  const own: On = EventEmitter.prototype.on as On
  if (on === own) return
  const both: On = function (this: ServerResponse, name, listener) {
    if (name === 'drain' && isHeld()) own.call(response, name, listener)
    return on.call(this, name, listener)
  }
  Object.assign(response, { on: both })
}

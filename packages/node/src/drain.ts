import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'

type On = (name: string | symbol, listener: (...args: unknown[]) => void) => ServerResponse

/**
 * Lets listeners of `drain` hear us too: compression that comes before takes them for its own stream, and a held write
 * returned `false`, after which `drain` is emitted on the response.
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

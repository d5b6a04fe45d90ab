import { nextTick } from 'node:process'

/** What the store uses of a connection, to send commands together. */
export interface Corkable {
  readonly stream?: { cork(): void; uncork(): void } | null
  /** Those that are not answered yet. */
  readonly commandQueue?: { readonly length: number }
}

type Stream = NonNullable<Corkable['stream']>

const corked = new WeakSet<Stream>()

/**
 * Lets a connection send at once what many requests write to it. By itself its socket sends each command alone, which costs more
 * than all else that is done for it. While answers are awaited it waits until everything that is ready has run; else only for the
 * current callback.
 */
export function sendTogether({ stream, commandQueue }: Corkable): void {
  if (!stream || corked.has(stream)) return
  corked.add(stream)
  stream.cork()
  if (commandQueue !== undefined && commandQueue.length > 0) setImmediate(uncork, stream)
  else nextTick(uncork, stream)
}

function uncork(stream: Stream): void {
  corked.delete(stream)
  stream.uncork()
}

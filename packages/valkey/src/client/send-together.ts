import { nextTick } from 'node:process'

/** The parts of a connection needed to batch commands. */
export interface Corkable {
  readonly stream?: { cork(): void; uncork(): void } | null
  /** Commands that are not answered yet. */
  readonly commandQueue?: { readonly length: number }
}

type Stream = NonNullable<Corkable['stream']>

const corked = new WeakSet<Stream>()

/**
 * Sends the commands of many requests in one write. Without it, the socket writes each command separately, which costs
 * more than all the rest. While replies are pending, it waits until everything that is ready has run; otherwise only
 * for the current callback.
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

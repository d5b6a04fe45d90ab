import { nextTick } from 'node:process'

/** What the store uses of a socket. */
export interface Corkable {
  cork(): void
  uncork(): void
}

const corked = new WeakSet<Corkable>()

/**
 * Lets a socket send at once what one turn of the event loop writes to it. By itself it sends each command alone, which costs more
 * than everything else that is done for it.
 */
export function sendTogether(socket: Corkable | null | undefined): void {
  if (!socket || corked.has(socket)) return
  corked.add(socket)
  socket.cork()
  nextTick(uncork, socket)
}

function uncork(socket: Corkable): void {
  corked.delete(socket)
  socket.uncork()
}

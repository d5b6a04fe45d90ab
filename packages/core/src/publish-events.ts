import type { OnEvent, SessionEvent } from './events.ts'

/** A message of the channel `coatcheck:event` of `node:diagnostics_channel`. */
export interface PublishedEvent {
  /** The version of the event format. A version can gain events and members; their meaning does not change. */
  readonly version: 1
  /** The option `namespace` of the sessions. */
  readonly namespace: string
  readonly event: SessionEvent
}

/** The used part of `node:diagnostics_channel`. */
interface Channel {
  readonly hasSubscribers: boolean
  publish(message: PublishedEvent): void
}

interface Host {
  readonly process?: {
    readonly getBuiltinModule?: (
      name: string,
    ) => { readonly channel?: (name: string) => Channel } | undefined
  }
}

/** `null` in runtimes without such channels: browsers and edge runtimes. */
function openChannel(): Channel | null {
  const host = globalThis as Host
  try {
    const module = host.process?.getBuiltinModule?.('node:diagnostics_channel')
    return module?.channel?.('coatcheck:event') ?? null
  } catch {
    return null
  }
}

/** Publishes events if the runtime has channels, and passes them on. Without subscribers, it creates no message. */
export function publishing(namespace: string, onEvent: OnEvent): OnEvent {
  const channel = openChannel()
  if (channel === null) return onEvent
  return (event) => {
    if (channel.hasSubscribers) channel.publish({ version: 1, namespace, event })
    onEvent(event)
  }
}

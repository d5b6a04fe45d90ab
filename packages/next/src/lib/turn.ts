import type { Committed, Opened } from '@coatcheck/core'
import type { Room } from './room.ts'
import type { Visit } from './visit.ts'

/** What a commit did. The cookie goes with the response, without anybody's help. */
export type Saved = Pick<Committed, 'outcome'>

/** The time during which a handler may change the session: from its call to the response. */
export interface Turn {
  /** The session, loaded when first asked for. */
  readonly open: () => Promise<Opened<object>>
  readonly hasOpened: () => boolean
  /** Saves before the end. */
  readonly commit: () => Promise<Committed>
  /** Saves. From now on nothing is taken. */
  readonly end: () => Promise<Committed>
  /** Drops the changes, for want of a response; a `destroy` is carried out. */
  readonly drop: () => Promise<void>
}

export interface TurnOptions {
  readonly room: Room
  /** Rejects where there is no request. */
  readonly findVisit: () => Promise<Visit>
  /** Why nothing can be saved here; `null` if it can. */
  readonly refusal?: () => Promise<string | null>
  /** Tells the response, where that has to be done at once. */
  readonly apply?: (committed: Committed) => Promise<void> | void
}

export function createTurn({ room, findVisit, refusal, apply }: TurnOptions): Turn {
  let opened: Promise<Opened<object>> | null = null
  let over = false
  let applied: Committed | null = null

  async function open(): Promise<Opened<object>> {
    const late = over
    const held = await (await findVisit()).write()
    const reason = late ? tooLate : await refusal?.()
    if (typeof reason === 'string') held.lock(reason)
    // Who asks, looks: it may be in a stream that is read after the headers.
    void held.session.state
    return held
  }

  async function save(held: Opened<object>): Promise<Committed> {
    const committed = await held.commit()
    if (applied === null) await apply?.((applied = committed))
    return committed
  }

  /** Who asked for what could not be opened has heard so, and answered accordingly: `null`. */
  async function close(): Promise<Opened<object> | null> {
    over = true
    return (await opened?.catch(() => null)) ?? null
  }

  return {
    open: () => (opened ??= open()),
    hasOpened: () => opened !== null,
    commit: async () => save(await (opened ??= open())),
    end: async () => save((await close()) ?? (await room.sessions().open(null))),
    async drop() {
      const held = await close()
      try {
        held?.session.discard()
        if (held !== null) await save(held)
      } catch {
        // Saved already, by commit(), or not to be saved: what is thrown matters more.
      }
    },
  }
}

const tooLate =
  'getSession() was called for the first time after the response, so nothing would save this: call it ' +
  'earlier, and then saveLate(session, change)'

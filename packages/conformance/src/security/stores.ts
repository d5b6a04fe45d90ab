import type { SessionStore } from '@coatcheck/core'

type Operation = 'load' | 'create' | 'save' | 'delete'

/** One command on its way to the store. */
export interface Command {
  readonly operation: Operation
  readonly id: string
  readonly bytes: Uint8Array | null
}

/**
 * The same store, behind a function that sees every command before it is sent. The function may wait, throw (the
 * command is lost), or return `'lose reply'` (the command is executed, and its reply is lost).
 */
export function through(
  store: SessionStore,
  see: (command: Command) => void | 'lose reply' | Promise<void | 'lose reply'>,
): SessionStore {
  const send = async <result>(
    operation: Operation,
    id: string,
    bytes: Uint8Array | null,
    run: () => Promise<result>,
  ): Promise<result> => {
    const fate = await see({ operation, id, bytes })
    const result = await run()
    if (fate === 'lose reply') throw new Error('the reply was lost')
    return result
  }
  return {
    load: (id, expiresAt) => send('load', id, null, () => store.load(id, expiresAt)),
    create: (id, bytes, expiresAt) =>
      send('create', id, bytes, () => store.create(id, bytes, expiresAt)),
    save: (id, bytes, ...rest) => send('save', id, bytes, () => store.save(id, bytes, ...rest)),
    delete: (id, version) => send('delete', id, null, () => store.delete(id, version)),
  }
}

/** A store that first does something else before the first command selected by `when`. */
export function interrupted(
  store: SessionStore,
  when: (command: Command) => boolean,
  act: () => Promise<unknown>,
): SessionStore {
  let done = false
  return through(store, async (command) => {
    if (done || !when(command)) return
    done = true
    await act()
  })
}

/** The nth save times out, but is still executed just before the next one. */
export function withLateSave(store: SessionStore, nth = 1): SessionStore {
  let late: (() => Promise<unknown>) | null = null
  let saves = 0
  return {
    ...store,
    async save(...args) {
      if (++saves === nth) {
        late = () => store.save(...args)
        throw new Error('no answer in time')
      }
      await late?.()
      late = null
      return store.save(...args)
    },
  }
}

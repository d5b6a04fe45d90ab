/** Promises of a truth value that were not awaited: `if (!session.verifyCsrf(token))` lets every form in. */
export class Unheard {
  readonly #promises = new Set<object>()

  /** Keeps the promise until `then` is called, which `await` does. */
  until<value>(promise: Promise<value>): Promise<value> {
    const promises = this.#promises.add(promise)
    const { then } = Promise.prototype
    const heard = (...args: Parameters<typeof then>): Promise<unknown> => {
      promises.delete(promise)
      return then.apply(promise, args)
    }
    // `await` calls `then` only of a promise with another constructor.
    const constructor = { value: undefined }
    // oxlint-disable-next-line no-thenable
    return Object.defineProperties(promise, { constructor, then: { value: heard } })
  }

  /** @throws {TypeError} if one of them is left. */
  check(): void {
    if (this.#promises.size === 0) return
    this.#promises.clear()
    throw new TypeError(
      'Coatcheck: session.verifyCsrf() was not awaited, and a promise counts as true: write ' +
        'if (!(await session.verifyCsrf(token))). The changes of the session are dropped',
    )
  }
}

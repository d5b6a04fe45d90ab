/** Counts a promise as not awaited until its `then` is called, as `await` does. */
export function untilHeard<value>(
  counted: { unheard: number },
  promise: Promise<value>,
): Promise<value> {
  const { then } = promise
  let one = 1
  counted.unheard++
  const heard: typeof promise.then = (...args) => {
    counted.unheard -= one
    one = 0
    return then.apply(promise, args) as never
  }
  // `await` calls `then` only of a promise with another constructor.
  // oxlint-disable-next-line no-thenable
  return Object.assign(promise, { constructor: undefined, then: heard })
}

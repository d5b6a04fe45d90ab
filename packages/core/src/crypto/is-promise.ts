/**
 * Not `instanceof Promise`: if instrumentation has replaced the global Promise, the promises of async functions have
 * another class.
 */
export function isPromise<value>(value: value | Promise<value>): value is Promise<value> {
  return typeof (value as Partial<Promise<value>> | null | undefined)?.then === 'function'
}

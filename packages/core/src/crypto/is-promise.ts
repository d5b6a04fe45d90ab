/**
 * Whether there is something to wait for. Not `instanceof Promise`: where instrumentation has replaced the global Promise,
 * an async function gives none of that class.
 */
export function isPromise<value>(value: value | Promise<value>): value is Promise<value> {
  return typeof (value as Partial<Promise<value>> | null | undefined)?.then === 'function'
}

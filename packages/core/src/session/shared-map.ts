/**
 * One map for all copies of the core in a process: a bundler may put one into every bundle, and a session that
 * one of them opened is handed to another. Nothing is written on the session, where it could be read or logged.
 */
export function sharedMap<value>(name: string): WeakMap<object, value> {
  const home = globalThis as { [key: symbol]: WeakMap<object, value> | undefined }
  return (home[Symbol.for(`@coatcheck/core ${name}`)] ??= new WeakMap())
}

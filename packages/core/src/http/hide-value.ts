import { inspectedBy } from '../inspected-by.ts'
import type { Cookie } from './cookie.ts'

/** The cookie with a prototype by which logs show it without its token. */
export function hideValue(cookie: Cookie): Cookie {
  return Object.assign(Object.create(shownInLogs) as object, cookie)
}

function withoutValue(this: Cookie): object {
  const { value: _value, header: _header, ...others } = this
  return others
}

/** Logs that write JSON call one, and the consoles of Node, Bun and Deno the other. */
const shownInLogs = {
  toJSON: withoutValue,
  [inspectedBy]: withoutValue,
}

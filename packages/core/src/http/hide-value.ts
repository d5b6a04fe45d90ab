import { inspectedBy } from '../inspected-by.ts'
import type { Cookie } from './cookie.ts'

/** Gives the cookie a prototype that hides its token in logs. */
export function hideValue(cookie: Cookie): Cookie {
  return Object.assign(Object.create(shownInLogs) as object, cookie)
}

function withoutValue(this: Cookie): object {
  const { value: _value, header: _header, ...others } = this
  return others
}

/** JSON logs call the one, the consoles of Node, Bun and Deno the other. */
const shownInLogs = {
  toJSON: withoutValue,
  [inspectedBy]: withoutValue,
}

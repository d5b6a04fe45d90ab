import type { Cookie } from './cookie.ts'

/** The cookie with a prototype by which logs show it without its token. */
export function hideValue(cookie: Cookie): Cookie {
  return Object.assign(Object.create(shownInLogs) as object, cookie)
}

/** The consoles of Node, Bun and Deno call one, and logs that write JSON the other. A deletion holds no token. */
const shownInLogs = {
  toJSON(this: Cookie): object {
    const { value, header, ...others } = this
    return value === '' ? { ...others, value, header } : { ...others, value: 'a secret' }
  },
  [Symbol.for('nodejs.util.inspect.custom')](
    this: Cookie & { toJSON(): object },
    _depth: number,
    options: object,
    inspect: (value: unknown, options: object) => string,
  ): string {
    return `Cookie ${inspect(this.toJSON(), options)}`
  },
}

/** Whether two types are one and the same, not just assignable. */
export type Equal<left, right> =
  (<value>() => value extends left ? 1 : 2) extends <value>() => value extends right ? 1 : 2
    ? true
    : false

/** Compiles only for `true`. */
export function same<_yes extends true>(): void {}

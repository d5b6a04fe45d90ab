/** A law that the core breaks, and has been reported for. Its runs are counted, and do not stop a search. */
export interface Finding {
  readonly name: string
  /** What the laws say of it. */
  readonly law: RegExp
}

/** When one is mended the tests say that it is not found any more: then take it out. */
export const openFindings: readonly Finding[] = [
  {
    name: 'a destroy whose first answer was lost takes the renewed session for ended',
    law: /\(destroyed\): the session lives on under a new token, its first delete/,
  },
  {
    name: 'a save whose answer was lost is called gone, and was carried over by a renew',
    law: /\(gone\): its change is visible/,
  },
  {
    name: 'a pointer that arrives late leads to a record that was withdrawn',
    law: /wanted to end, and a pointer leads there|in a record that only a pointer leads to/,
  },
]

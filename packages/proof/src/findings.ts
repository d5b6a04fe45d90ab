/** A law that the core breaks, and has been reported for. Its runs are counted, and do not stop a search. */
export interface Finding {
  readonly name: string
  /** What the laws say of it. */
  readonly law: RegExp
}

/** When one is mended the tests say that it is not found any more: then take it out. */
export const openFindings: readonly Finding[] = []

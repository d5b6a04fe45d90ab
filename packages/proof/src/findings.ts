/** A reported law that the core breaks. Its runs are counted, and do not stop a search. */
export interface Finding {
  readonly name: string
  /** What the laws say of it. */
  readonly law: RegExp
}

/** When one is fixed, a test fails because it is not found any more: then remove it. */
export const openFindings: readonly Finding[] = []

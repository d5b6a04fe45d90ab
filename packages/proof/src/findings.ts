/** A known violation of a law by the core. Such runs are counted, and do not stop a search. */
export interface Finding {
  readonly name: string
  /** Matches the message of the violated law. */
  readonly law: RegExp
}

/** When a finding is fixed, a test fails because it no longer occurs; then remove it here. */
export const openFindings: readonly Finding[] = []

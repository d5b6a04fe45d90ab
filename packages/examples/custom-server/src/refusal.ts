import { SessionError } from '@coatcheck/core'

/** A request that cannot be served as it is. Its message is meant for whoever sent it. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.status = status
    this.headers = headers
  }
}

const statuses: Partial<Record<SessionError['code'], number>> = {
  'unsupported-value': 400,
  'too-large': 413,
  'merge-failed': 409,
}

/** What the core refuses to save is the sender's fault here. Anything else is thrown on. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  const status = error instanceof SessionError ? statuses[error.code] : undefined
  if (status === undefined) throw error
  return new Refusal(status, (error as SessionError).message)
}

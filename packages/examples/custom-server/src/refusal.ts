import { SessionError } from '@coatcheck/core'

/** A request that cannot be served as it is. Its message is for the client. */
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

/** The client sent what the core refuses to save. Any other error is thrown on. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  if (error instanceof SessionError && error.status < 500) {
    return new Refusal(error.status, error.message)
  }
  throw error
}

/** A request that cannot be served as it is. Its message is meant for whoever sent it. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number

  constructor(message: string, status = 400) {
    super(message)
    this.status = status
  }
}

import { StoreError } from '../errors.ts'

/**
 * The result of `work`, or `unavailable` if it takes longer. The work is not cancelled; its late
 * result is ignored. `sent`: whether the command may still reach the server.
 */
export async function withDeadline<result>(
  milliseconds: number,
  work: Promise<result>,
  sent: boolean,
): Promise<result> {
  let timer: NodeJS.Timeout | undefined
  // Not Promise.withResolvers, which Node 20 lacks.
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new StoreError('unavailable', 'The server did not answer in time', { sent })),
      Math.max(1, milliseconds),
    )
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

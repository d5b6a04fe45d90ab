import { StoreError } from '../errors.ts'

/**
 * What `work` gives, or `unavailable` after so many milliseconds; the work goes on, and nobody
 * hears of its end. `sent`: whether it may still reach the node.
 */
export async function within<result>(
  milliseconds: number,
  work: Promise<result>,
  sent: boolean,
): Promise<result> {
  let timer: NodeJS.Timeout | undefined
  // Not Promise.withResolvers: Node 20 has none, and then nobody would hear what `work` rejects with.
  const promise = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => {
        reject(new StoreError('unavailable', 'The node did not answer in time', { sent }))
      },
      Math.max(1, milliseconds),
    )
  })
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}

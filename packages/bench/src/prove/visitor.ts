import type { Seen } from '../host.ts'

/** The cookie that a browser has after receiving these responses in this order. */
export function takeLast(
  before: string | null,
  answers: readonly Pick<Seen, 'cookie'>[],
): string | null {
  return answers.reduce<string | null>(
    (jar, { cookie }) => (cookie === before ? jar : cookie),
    before,
  )
}

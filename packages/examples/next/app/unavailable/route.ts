import { unavailablePage } from '../../lib/unavailable.ts'

/** Forms redirect here if their change was not saved. */
export function GET(): Response {
  return unavailablePage()
}

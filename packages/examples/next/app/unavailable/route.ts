import { unavailablePage } from '../../lib/unavailable.ts'

/** Where forms lead to whose change could not be saved. */
export function GET(): Response {
  return unavailablePage()
}

/**
 * The work of one request.
 *
 * - `no cookie`: a first visit; the handler does not use the session.
 * - `untouched`: the visitor has a session; the handler does not use it.
 * - `unasked`: the same, for libraries that can open the session on demand.
 * - `sign-in`: the visitor has a session, and gets a new token; `renew`: the same without an account, for libraries
 *   that distinguish them.
 */
export type Work =
  | 'no cookie'
  | 'untouched'
  | 'unasked'
  | 'read'
  | 'change'
  | 'create'
  | 'sign-in'
  | 'renew'
  | 'sign-out'

export const allWork: readonly Work[] = [
  'no cookie',
  'untouched',
  'unasked',
  'read',
  'change',
  'create',
  'sign-in',
  'renew',
  'sign-out',
]

/** The paths of the application. `add`, `keys` and `hold` are for the tests of lost updates. */
export type Route =
  | 'untouched'
  | 'unasked'
  | 'read'
  | 'change'
  | 'create'
  | 'sign-in'
  | 'renew'
  | 'sign-out'
  | 'add'
  | 'keys'
  | 'hold'

/** One measurement: some work under given conditions. */
export interface Point {
  readonly work: Work
  /** The approximate size of the session's data as JSON, in bytes. */
  readonly size: number
  /** The number of concurrent requests. */
  readonly inFlight: number
  /** The round-trip time to the store in milliseconds, besides the store's own time. */
  readonly away: number
  /** The number of visitors that take turns. */
  readonly visitors: number
}

/** How requests of this work differ from others. */
export interface Shape {
  readonly route: Route
  /** Whether the visitor already has a session. */
  readonly hasSession: boolean
  /** Whether each visitor can do this only once. */
  readonly once: boolean
}

export function shapeOf(work: Work): Shape {
  if (work === 'no cookie') return { route: 'untouched', hasSession: false, once: false }
  return {
    route: work,
    hasSession: work !== 'create',
    once: work === 'sign-in' || work === 'sign-out',
  }
}

/** The title in reports: `read`, `change, 32 KB, 10 ms away`. Without the number in flight. */
export function titleOf({ work, size, away, visitors }: Point): string {
  const parts: string[] = [work]
  if (size !== standardSize) parts.push(bytesOf(size))
  if (visitors >= manyVisitors) parts.push(`${visitors} visitors`)
  if (away > 0) parts.push(`${away} ms away`)
  return parts.join(', ')
}

export const keyOf = (point: Point): string => `${titleOf(point)} @${point.inFlight}`

export const standardSize = 200
const standardVisitors = 1024
/** More than a session cache holds. */
export const manyVisitors = 20_000

function bytesOf(size: number): string {
  return size % 1024 === 0 ? `${size / 1024} KB` : `${size} B`
}

function point(work: Work, inFlight: number, more: Partial<Point> = {}): Point {
  return { work, inFlight, size: standardSize, away: 0, visitors: standardVisitors, ...more }
}

/** The points of a quick run. */
export function quickPoints(): readonly Point[] {
  const many = allWork.filter((work) => work !== 'no cookie' && work !== 'renew')
  return [
    ...many.map((work) => point(work, 64)),
    point('read', 1),
    point('change', 1),
    ...large(['read', 'change'], 32_768),
  ]
}

/** The points used in the goals. */
export function goalPoints(): readonly Point[] {
  return [
    point('read', 64),
    point('change', 64),
    point('unasked', 64),
    point('read', 1),
    point('change', 1),
    ...large(['read', 'change'], 32_768),
  ]
}

export function fullPoints(): readonly Point[] {
  return [
    ...allWork.flatMap(manyAndOne),
    ...(['read', 'change'] as const).map((work) => point(work, 512)),
    ...large(['read', 'change'], 4096),
    ...large(['read', 'change'], 32_768),
    ...(['read', 'change'] as const).flatMap((work) =>
      [1, 64].map((inFlight) => point(work, inFlight, { away: 10 })),
    ),
    ...(['read', 'change'] as const).map((work) => point(work, 64, { visitors: manyVisitors })),
  ]
}

/** Many in flight first, because that warms up the code sooner. */
function manyAndOne(work: Work): readonly Point[] {
  return [point(work, 64), point(work, 1)]
}

function large(work: readonly Work[], size: number): readonly Point[] {
  return work.map((one) => point(one, 64, { size, visitors: 256 }))
}

/** The task of one process. Sizes are the approximate bytes of a session's data as JSON. */
export type GrowthTask =
  | { readonly kind: 'size'; readonly size: number; readonly ports: readonly number[] }
  | { readonly kind: 'servers'; readonly size: number; readonly ports: readonly number[] }
  | { readonly kind: 'sessions'; readonly count: number }
  | { readonly kind: 'capacity'; readonly size: number; readonly megabytes: number }

/** Microseconds of CPU time and wall time per request, and the other figures of the task. */
export interface GrowthFigure {
  readonly kind: GrowthTask['kind']
  /** Bytes, sessions or servers. */
  readonly at: number
  readonly read: { readonly cpu: number; readonly wall: number } | null
  readonly change: { readonly cpu: number; readonly wall: number } | null
  /** For `sessions`: bytes of memory per session. For `capacity`: bytes of one sealed record. */
  readonly bytes: number | null
  /** For `capacity`: sessions per gigabyte (2^30 bytes) of memcached's memory (`-m`). */
  readonly perGigabyte: number | null
}

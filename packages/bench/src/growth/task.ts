/** What one process measures. Sizes are bytes of a session's data as JSON, about. */
export type GrowthTask =
  | { readonly kind: 'size'; readonly size: number; readonly ports: readonly number[] }
  | { readonly kind: 'servers'; readonly size: number; readonly ports: readonly number[] }
  | { readonly kind: 'sessions'; readonly count: number }
  | { readonly kind: 'capacity'; readonly size: number; readonly megabytes: number }

/** Microseconds of processor time and wall time for one request, and what else the task says. */
export interface GrowthFigure {
  readonly kind: GrowthTask['kind']
  /** Bytes, sessions or servers. */
  readonly at: number
  readonly read: { readonly cpu: number; readonly wall: number } | null
  readonly change: { readonly cpu: number; readonly wall: number } | null
  /** Of `sessions`: bytes of memory for each. Of `capacity`: bytes of one sealed record. */
  readonly bytes: number | null
  /** Of `capacity`: sessions that a gigabyte (2^30 bytes) of memcached's memory (`-m`) holds. */
  readonly perGigabyte: number | null
}

import type { Stats } from '@coatcheck/memcached/inspect'

/** A number of a server's statistics; `null` if it has none of this name. */
export function numberIn(stats: Stats | undefined, name: string): number | null {
  const text = stats?.[name]
  return text !== undefined && /^\d+(\.\d+)?$/.test(text) ? Number(text) : null
}

export function median(values: readonly number[]): number | null {
  return quantile(values, 0.5)
}

/** The value below which a share of all lies; `null` if there are none. */
export function quantile(values: readonly number[], share: number): number | null {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null
}

/** `1,234`, in every locale. */
export function grouped(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 })
}

/** `64 MB`, `512 KB`, `100 bytes`; 1 KB is 1024 bytes, as memcached counts. */
export function bytesText(bytes: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  const digits = value < 10 && unit > 0 && value !== Math.round(value) ? 1 : 0
  return `${value.toFixed(digits)} ${units[unit]}`
}

export function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`
}

export function duration(seconds: number): string {
  const steps = [
    [86_400, 'days'],
    [3600, 'hours'],
    [60, 'minutes'],
  ] as const
  for (const [length, name] of steps) {
    if (seconds >= 2 * length) return `${Math.floor(seconds / length)} ${name}`
  }
  return `${Math.floor(seconds)} seconds`
}

/** Bytes of a record beside the session itself: header, cas, key, ends of lines. */
const ownBytes = 48 + 8 + 54 + 2

/** What the sizes of slabs take on top: measured, a server of 64 MB holds 56,000 records of 1000 bytes. */
const slabs = 1.08

/** How many sessions of a size fit into the memory of a server. */
export function sessionsThatFit(limit: number, sessionBytes: number): number {
  return Math.floor(limit / ((sessionBytes + ownBytes) * slabs))
}

/** The mean size of what a server stores, without what each record costs; `null` if there is too little to tell. */
export function meanBytes(stats: Stats | undefined): number | null {
  const bytes = numberIn(stats, 'bytes')
  const items = numberIn(stats, 'curr_items')
  if (bytes === null || items === null || items < 100) return null
  return Math.max(1, Math.round(bytes / items) - ownBytes)
}

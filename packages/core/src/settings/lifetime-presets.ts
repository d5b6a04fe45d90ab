import type { LifetimeOptions } from './options.ts'

type Preset = Required<Pick<LifetimeOptions, 'idle' | 'absolute'>>

/** The defaults: an hour and a day. A separate constant, so that bundlers can drop the other presets. */
export const aal2: Preset = { idle: 3600, absolute: 86_400 }

/**
 * Lifetimes from standards, in seconds. The defaults are those of `aal2`.
 * - `aal1`, `aal2`, `aal3`: NIST SP 800-63B-4 sections 2.1.3, 2.2.3, 2.3.3 (AAL1 sets no idle limit)
 * - `asvs4L1`, `asvs4L2`, `asvs4L3`: OWASP ASVS 4.0.3, 3.3.2
 */
export const lifetimes: {
  readonly [name in 'aal1' | 'aal2' | 'aal3' | 'asvs4L1' | 'asvs4L2' | 'asvs4L3']: Preset
} = {
  aal1: { idle: 2_592_000, absolute: 2_592_000 },
  aal2,
  aal3: { idle: 900, absolute: 43_200 },
  asvs4L1: { idle: 2_592_000, absolute: 2_592_000 },
  asvs4L2: { idle: 1800, absolute: 43_200 },
  asvs4L3: { idle: 900, absolute: 43_200 },
}

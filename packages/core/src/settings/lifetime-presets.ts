import type { LifetimeOptions } from './options.ts'

const minute = 60
const hour = 60 * minute
const day = 24 * hour

/**
 * Lifetimes that a standard asks for, in seconds. The defaults are those of `aal2`.
 * - `aal1`, `aal2`, `aal3`: NIST SP 800-63B-4 sections 2.1.3, 2.2.3, 2.3.3 (AAL1 sets no idle limit)
 * - `asvs4L1`, `asvs4L2`, `asvs4L3`: OWASP ASVS 4.0.3, 3.3.2
 */
export const lifetimes: {
  readonly [name in 'aal1' | 'aal2' | 'aal3' | 'asvs4L1' | 'asvs4L2' | 'asvs4L3']: Required<
    Pick<LifetimeOptions, 'idle' | 'absolute'>
  >
} = {
  aal1: { idle: 30 * day, absolute: 30 * day },
  aal2: { idle: hour, absolute: day },
  aal3: { idle: 15 * minute, absolute: 12 * hour },
  asvs4L1: { idle: 30 * day, absolute: 30 * day },
  asvs4L2: { idle: 30 * minute, absolute: 12 * hour },
  asvs4L3: { idle: 15 * minute, absolute: 12 * hour },
}

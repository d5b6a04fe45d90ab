import { readWhole, refuseOption, refuseUnknown } from '../check-option.ts'
import { maxCookieAge } from '../http/cookie.ts'
import type { Lifetime } from '../rules/lifetime.ts'
import { aal2 } from './lifetime-presets.ts'
import type { LifetimeOptions } from './options.ts'

/** Checks the lifetimes. Throws `invalid-option`. */
export function readLifetime(options: LifetimeOptions = {}): Lifetime {
  refuseUnknown('lifetime', options, ['idle', 'absolute', 'unused', 'rotate', 'persistent'])
  const { absolute = aal2.absolute, unused = 600, rotate, persistent } = options
  const end = readSeconds('absolute', absolute)
  const { idle = Math.min(aal2.idle, absolute) } = options
  const lifetime = {
    idle: readSeconds('idle', idle),
    absolute: end,
    unused: readSeconds('unused', unused),
    rotate: rotate === undefined ? Infinity : readSeconds('rotate', rotate, 60),
  }
  if (idle > absolute) refuseLonger('idle', idle, options)
  if (rotate !== undefined && rotate > absolute) refuseLonger('rotate', rotate, options)
  if (persistent === undefined) return lifetime
  return { ...lifetime, persistent: readPersistent(lifetime, persistent) }
}

function readPersistent(
  lifetime: Lifetime,
  options: NonNullable<LifetimeOptions['persistent']>,
): Lifetime {
  refuseUnknown('lifetime.persistent', options, ['idle', 'absolute'])
  const { absolute, idle = absolute } = options
  const end = readSeconds('persistent.absolute', absolute)
  const idleTime = readSeconds('persistent.idle', idle)
  if (idleTime > end) {
    const remedy = 'write a longer absolute, or a shorter idle'
    refuseOption(
      'lifetime.persistent.idle',
      `is longer than its absolute, which ends first: ${remedy}`,
    )
  }
  return { ...lifetime, idle: idleTime, absolute: end }
}

/** Returns milliseconds. */
function readSeconds(name: string, value: number, least = 1): number {
  return readWhole(`lifetime.${name} (seconds)`, value, least, maxCookieAge) * 1000
}

/** The absolute end comes first, so the longer time would have no effect. */
function refuseLonger(
  name: 'idle' | 'rotate',
  value: number,
  { absolute }: LifetimeOptions,
): never {
  const end = absolute === undefined ? `${aal2.absolute}, its default` : `${absolute}`
  const what = `(${value} seconds) is longer than lifetime.absolute (${end}), which ends the session first`
  const remedy = `write lifetime: { ${name}: ${value}, absolute: ${value} } or a longer absolute, or a shorter ${name}`
  return refuseOption(`lifetime.${name}`, `${what}: ${remedy}`)
}

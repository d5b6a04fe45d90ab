import { describe, expect, it } from 'vitest'
import { fake, recordOf } from '../../test/fakes/context.ts'
import { offered, proven, registered } from '../../test/fakes/devices.ts'
import { deviceBound } from '../device/device-options.ts'
import { deleteCookie } from '../http/cookie.ts'
import type { CookieSource } from '../http/transport.ts'
import type { DeviceStanding } from '../rules/device-mode.ts'
import type { Outcome } from '../rules/next-step.ts'
import type { Device } from '../store/device-key.ts'
import { worthlessCookies } from './worthless-cookies.ts'

const cookie = { name: '__Host-Http-app', former: [{ name: '__Secure-app', path: '/shop' }] }
const { context } = fake({ deviceBound: deviceBound(), cookie })
const token = '__Host-Http-app=the-token'
const bound = '__Host-app-bound'
const formerBound = '__Secure-app-bound'

const namesFor = (
  source: CookieSource,
  outcome: Outcome,
  standing?: DeviceStanding,
  device?: Device,
): readonly string[] => {
  const record = device ? recordOf({}, { device }) : null
  const start = standing === undefined ? { record } : { device: standing, record }
  const written = { outcome, tries: 1 }
  const forms = worthlessCookies(context, source, context.cookie, written, start)
  return forms.map(({ name }) => name)
}

const all = `${token}; ${bound}=1; ${formerBound}=2; __Host-other-bound=3; app-bound=4; ${bound}-too=5`

describe('the bound cookies that are deleted', () => {
  it.each<[string, Outcome, DeviceStanding | undefined, Device | undefined, boolean]>([
    ['the session ends', 'destroyed', 'bound', proven, true],
    ['it ends, and its device is not known', 'destroyed', undefined, undefined, true],
    ['it is no proof', 'unchanged', 'stale', proven, true],
    ['it is no proof, and the session was changed', 'saved', 'stale', proven, true],
    ['it came before the first proof', 'unchanged', 'pending', registered, true],
    ['it came before a browser has registered', 'unchanged', 'pending', offered, false],
    ['it came before one, and the data cannot be used', 'unchanged', 'pending', undefined, false],
    ['it is a proof', 'saved', 'bound', proven, false],
    ['the session has no device any more', 'unchanged', 'unbound', offered, false],
    ['no session was found', 'unchanged', undefined, undefined, false],
    ['the session has ended elsewhere', 'gone', 'bound', proven, false],
    ['the store did not confirm the end', 'unconfirmed', 'bound', proven, false],
  ])('are those of the session, if %s: %s', (_when, outcome, standing, device, isDeleted) => {
    const names = namesFor(all, outcome, standing, device)
    expect(names).toEqual(isDeleted ? [bound, formerBound] : [])
  })

  it('are those alone that the request has, of a session that was not opened too', () => {
    const destroyed = { outcome: 'destroyed', tries: 1 } as const
    for (const [source, names] of [
      [`${token}; ${bound}=1`, [bound]],
      [`${token}; ${formerBound}=1`, [formerBound]],
      [new Request('https://app.example/', { headers: { Cookie: all } }), [bound, formerBound]],
      [token, []],
      ['', []],
    ] as const) {
      const forms = worthlessCookies(context, source, context.cookie, destroyed)
      expect(forms.map(({ name }) => name)).toEqual(names)
    }
  })

  it('are deleted with the attributes that they were set with', () => {
    const destroyed = { outcome: 'destroyed', tries: 1 } as const
    const forms = worthlessCookies(context, all, context.cookie, destroyed)
    expect(forms.map((form) => deleteCookie(form).header)).toEqual([
      `${bound}=; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=0`,
      `${formerBound}=; Path=/shop; HttpOnly; Secure; SameSite=Lax; Max-Age=0`,
    ])
  })

  it('S20: are none over plain http, and none without the option deviceBound', () => {
    const destroyed = { outcome: 'destroyed', tries: 1 } as const
    expect(worthlessCookies(context, all, null, destroyed)).toEqual([])
    const without = fake({ cookie }).context
    expect(worthlessCookies(without, all, without.cookie, destroyed)).toEqual([])
  })
})

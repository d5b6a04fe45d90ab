import { describe, expect, it } from 'vitest'
import { fake, newAddress, second, start } from '../../test/fakes/context.ts'
import type { Outcome } from '../rules/next-step.ts'
import { failIfAsked, toCommitted } from './committed.ts'

type Asker = Parameters<typeof toCommitted>[2]

const address = await newAddress(fake())
const { cookie: form } = fake().context
const asker: Asker = {
  id: 'abcdefghijkl',
  form,
  intent: 'keep',
  isRead: false,
  clearSiteData: null,
}

const outcomes: readonly Outcome[] = [
  'unchanged',
  'created',
  'saved',
  'renewed',
  'rotated',
  'destroyed',
  'discarded',
  'gone',
  'conflict',
  'unavailable',
  'unconfirmed',
]

describe('the cookie of a commit', () => {
  it('is the new token for a visitor who gets one, with the age of what is left', () => {
    const made = fake({ lifetime: { absolute: 100 }, cookie: { persistent: true } })
    made.clock.now = start + 10 * second + 1
    const { cookie } = toCommitted(
      made.context,
      { outcome: 'created', tries: 1, address, createdAt: start },
      { ...asker, form: made.context.cookie },
    )
    expect(cookie).toMatchObject({ name: '__Host-Http-sid', value: address.token })
    expect(cookie?.header).toContain('Max-Age=90')
  })

  it('is deleted when the session is destroyed, and at no other end', () => {
    for (const outcome of outcomes) {
      const { cookie } = toCommitted(fake().context, { outcome, tries: 1 }, asker)
      expect([outcome, cookie?.value ?? null]).toEqual([
        outcome,
        outcome === 'destroyed' ? '' : null,
      ])
    }
  })

  it('S70: is left alone where the visitor keeps the token, or has none to get', () => {
    const { context } = fake()
    const saved = toCommitted(context, { outcome: 'saved', tries: 1, address }, asker)
    const odd = toCommitted(context, { outcome: 'saved', tries: 1, createdAt: start }, asker)
    expect([saved.cookie, odd.cookie]).toEqual([null, null])
  })

  it('S20: is never set over plain http', () => {
    const { context } = fake()
    const plain = { ...asker, form: null }
    const written = { outcome: 'created', tries: 1, address, createdAt: start } as const
    expect(toCommitted(context, written, plain).cookie).toBeNull()
    expect(toCommitted(context, { outcome: 'destroyed', tries: 1 }, plain).cookie).toBeNull()
  })
})

describe('other cookies that the request had', () => {
  const cookie = { name: 'now', former: [{ name: '__Secure-of-before', path: '/shop' }] }
  const made = fake({ cookie })
  const { cookie: own } = made.context
  const { former } = own
  const worthless = [{ ...own, name: 'now-bound' }]
  const of = (
    written: Parameters<typeof toCommitted>[1],
    more: Partial<Asker>,
  ): ReturnType<typeof toCommitted> =>
    toCommitted(made.context, written, { ...asker, form: own, former, ...more })

  const created = { outcome: 'created', tries: 1, address, createdAt: start } as const
  const saved = { outcome: 'saved', tries: 1 } as const
  const before = '__Secure-of-before=; Path=/shop; HttpOnly; Secure; SameSite=Lax; Max-Age=0'
  const boundTo = 'now-bound=; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=0'

  it.each([
    ['of before, when the present one is set', created, {}, [before]],
    [
      'of before, when the present one is there already',
      saved,
      { isFormerReplaced: true },
      [before],
    ],
    ['of before not, while it may be the only one', saved, {}, []],
    ['of before not, when nothing replaces it', saved, { isFormerReplaced: false }, []],
    ['that prove nothing', saved, { worthless }, [boundTo]],
    ['of both kinds', created, { worthless }, [before, boundTo]],
    ['of neither over plain http', created, { worthless, isFormerReplaced: true, form: null }, []],
  ] as const)('B1: are deleted: %s', (_what, written, more, deleted) => {
    const committed = of(written, more)
    expect(committed.formerCookies.map(({ header }) => header)).toEqual(deleted)
    const isPrivate = deleted.length > 0
    expect(committed.cacheControl).toBe(isPrivate ? 'private, no-store' : null)
    const { headers } = committed.applyTo(new Response())
    const set = committed.cookie === null ? [] : [committed.cookie.header]
    expect(headers.getSetCookie()).toEqual([...deleted, ...set])
    expect(headers.get('Cache-Control')).toBe(committed.cacheControl)
  })

  it('are none if the request had none', () => {
    const { formerCookies } = toCommitted(made.context, created, { ...asker, form: own })
    expect(formerCookies).toEqual([])
  })
})

describe('the event of a commit', () => {
  it('S34: says the outcome, the tries and the beginning of the id, and nothing else', () => {
    for (const outcome of outcomes) {
      const made = fake()
      toCommitted(made.context, { outcome, tries: 3 }, asker)
      const event = { type: 'commit', idPrefix: 'abcdefgh', outcome, tries: 3 }
      expect(made.events).toEqual(outcome === 'unchanged' ? [] : [event])
    }
  })

  it('names the session where it is now, if that is known, and none if there is none', () => {
    const made = fake()
    toCommitted(made.context, { outcome: 'saved', tries: 1, address }, asker)
    toCommitted(made.context, { outcome: 'unavailable', tries: 0 }, { ...asker, id: null })
    expect(made.events).toMatchObject([{ idPrefix: address.id.slice(0, 8) }, { idPrefix: null }])
  })
})

describe('what the caches are told', () => {
  const created = { outcome: 'created', tries: 1, address, createdAt: start } as const
  const saved = { outcome: 'saved', tries: 1 } as const

  it.each([
    ['a cookie', created, false, 'private, no-store', 'Cookie'],
    ['a cookie, and the session was read', created, true, 'private, no-store', 'Cookie'],
    ['the session was read', saved, true, 'private', 'Cookie'],
    ['neither', saved, false, null, null],
  ] as const)('S60, S61: %s', (_name, written, isRead, cacheControl, vary) => {
    const committed = toCommitted(fake().context, written, { ...asker, isRead })
    expect(committed.cacheControl).toBe(cacheControl)
    const { headers } = committed.applyTo(new Response())
    expect(headers.get('Cache-Control')).toBe(cacheControl)
    expect(headers.get('Vary')).toBe(vary)
    expect(headers.getSetCookie()).toHaveLength(written === created ? 1 : 0)
  })

  it('S60: is said in an event when the app had said otherwise', () => {
    const made = fake()
    const { applyTo } = toCommitted(made.context, saved, { ...asker, isRead: true })
    applyTo(new Response(null, { headers: { 'Cache-Control': 'public' } }))
    expect(made.events.map(({ type }) => type)).toEqual(['commit', 'cache.override'])
  })
})

describe('what else the response carries', () => {
  it('S29: what the browser is to forget, unless the end is not confirmed', () => {
    const clearing = { ...asker, clearSiteData: '"cache"' }
    const { context } = fake()
    const done = toCommitted(context, { outcome: 'destroyed', tries: 1 }, clearing)
    expect(done.clearSiteData).toBe('"cache"')
    expect(done.applyTo(new Response()).headers.get('Clear-Site-Data')).toBe('"cache"')
    const open = toCommitted(context, { outcome: 'unconfirmed', tries: 2 }, clearing)
    expect(open.clearSiteData).toBeNull()
    expect(open.applyTo(new Response()).headers.get('Clear-Site-Data')).toBeNull()
  })

  it('what asks the browser to bind the session, beside its cookie', () => {
    const { context } = fake()
    const created = { outcome: 'created', tries: 1, address, createdAt: start } as const
    const deviceRegistration = '(ES256);path="/register";challenge="c"'
    const bound = toCommitted(context, created, { ...asker, deviceRegistration })
    expect(bound.deviceRegistration).toBe(deviceRegistration)
    const name = 'Secure-Session-Registration'
    expect(bound.applyTo(new Response()).headers.get(name)).toBe(deviceRegistration)
    const plain = toCommitted(context, created, asker)
    expect(plain.deviceRegistration).toBeNull()
    expect(plain.applyTo(new Response()).headers.has(name)).toBe(false)
  })

  it('the outcome, for development, if it was asked for', () => {
    const written = { outcome: 'saved', tries: 1 } as const
    const explained = toCommitted(fake({ explain: true }).context, written, asker)
    expect(explained.applyTo(new Response()).headers.get('Server-Timing')).toBe(
      'session;desc="saved"',
    )
    const response = new Response()
    expect(toCommitted(fake().context, written, asker).applyTo(response)).toBe(response)
    expect([...response.headers]).toEqual([])
  })
})

describe('the failure of a commit', () => {
  it.each([
    ['conflict', 'keep', 'change'],
    ['unavailable', 'keep', 'change'],
    ['unavailable', 'renew', 'renewal'],
    ['gone', 'renew', 'renewal'],
    ['unconfirmed', 'destroy', 'sign-out'],
  ] as const)('S37: %s of %s is a failed %s', (outcome, intent, asked) => {
    const { failure } = toCommitted(fake().context, { outcome, tries: 1 }, { ...asker, intent })
    expect(failure).toEqual({ outcome, asked })
  })

  it('says that values were taken, which are not to be used', () => {
    const taking = { ...asker, hasTaken: true }
    for (const outcome of ['taken', 'gone', 'conflict'] as const) {
      const { failure } = toCommitted(fake().context, { outcome, tries: 1 }, taking)
      expect(failure).toEqual({ outcome, asked: 'change', hasTaken: true })
    }
    expect(toCommitted(fake().context, { outcome: 'saved', tries: 1 }, taking).failure).toBeNull()
  })

  it('is null if there was none', () => {
    const { failure } = toCommitted(fake().context, { outcome: 'saved', tries: 1 }, asker)
    expect(failure).toBeNull()
  })
})

describe('an outage that is an error, with the option', () => {
  const throwing = fake({ unavailable: 'throw' })

  it('S37: throws for an outage alone, and says the event first', () => {
    for (const outcome of outcomes) {
      throwing.events.length = 0
      const run = (): unknown => toCommitted(throwing.context, { outcome, tries: 1 }, asker)
      if (outcome === 'unavailable' || outcome === 'unconfirmed') {
        expect(run).toThrow(expect.objectContaining({ code: 'unavailable', status: 503 }))
        expect(throwing.events).toMatchObject([{ type: 'commit', outcome }])
      } else {
        expect(run).not.toThrow()
      }
    }
  })

  it('says what was not done, and what to do', () => {
    expect(() => failIfAsked('throw', 'unavailable', form)).toThrow(
      'The session store did not answer: respond with 503, and try again later',
    )
    expect(() => failIfAsked('throw', 'unconfirmed', form)).toThrow(
      'The session store did not confirm the end of the session: respond with 503, and try again later',
    )
    for (const outcome of ['unavailable', 'unconfirmed'] as const) {
      expect(() => failIfAsked('throw', outcome, null)).toThrow(
        expect.objectContaining({ code: 'unavailable', status: 503 }),
      )
      expect(() => failIfAsked('throw', outcome, null)).toThrow(
        /^The request came over plain http.*redirect to https.*set cookie\.trustProxy$/,
      )
      expect(() => failIfAsked('degrade', outcome, null)).not.toThrow()
      expect(() => failIfAsked('degrade', outcome, form)).not.toThrow()
    }
  })
})

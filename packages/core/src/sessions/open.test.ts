import { describe, expect, it } from 'vitest'
import { end, fake, newAddress, put, read, refused, start } from '../../test/fakes/context.ts'
import type { Fake } from '../../test/fakes/context.ts'
import type { AnyOptions } from '../settings/options.ts'
import { newOwner } from '../subjects/operations.ts'
import { open, openRequest } from './open.ts'
import type { OpenOptions } from './open.ts'
import { createSessions } from './sessions.ts'

type Values = Record<string, unknown>

const nameOf = ({ context }: Fake): string => context.cookie.name

/** A session in the store, and the Cookie header of its visitor. */
async function visitor(
  options: Partial<AnyOptions> = {},
): Promise<{ made: Fake; id: string; header: string; loaded: Awaited<ReturnType<typeof put>> }> {
  const made = fake(options)
  const loaded = await put(made, { a: 1 })
  const { id, token } = loaded.address
  return { made, id, loaded, header: `${nameOf(made)}=${token}` }
}

describe('open', () => {
  it('S17: makes no trip without a cookie, nor at the commit of a session that is unchanged', async () => {
    const made = fake()
    for (const source of [
      null,
      undefined,
      '',
      'other=1',
      new Request('https://app.example/'),
      `${nameOf(made)}=not-a-token`,
    ]) {
      const { session, commit } = await open(made.context, source)
      expect(session).toMatchObject({ state: 'new', id: null, subject: null, createdAt: null })
      expect(session.data).toEqual({})
      expect((await commit()).outcome).toBe('unchanged')
    }
    expect(made.commands()).toEqual([])
  })

  it('waits for nothing at the commit of a session that was only read', async () => {
    const { made, header } = await visitor()
    for (const source of [null, header]) {
      const opened = await openRequest(made.context, source)
      void Object.values(opened.session.data)
      expect(opened.commitNow()).toMatchObject({ outcome: 'unchanged' })
    }
  })

  it('rule 6: loads a session with one command, from a header and from a request', async () => {
    const { made, id, header } = await visitor()
    const request = new Request('https://app.example/', { headers: { Cookie: header } })
    for (const source of [header, request]) {
      const { session } = await open(made.context, source)
      expect(session).toMatchObject({ state: 'live', id, createdAt: new Date(start) })
      expect(session.data).toEqual({ a: 1 })
      expect(made.commands()).toEqual(['load'])
    }
  })

  it('S49: refuses flags that are no truth values: a header is text, and counts as true', async () => {
    const made = fake()
    const sessions = createSessions({ store: made.store })
    for (const flags of [{ secure: 'http' }, { secure: null }, { touch: 'false' }]) {
      const options = flags as unknown as OpenOptions
      const [name] = Object.keys(flags)
      const refused = `sessions: ${name} must be true or false`
      await expect(open(made.context, null, options)).rejects.toThrow(refused)
      await expect(sessions.lazy(null, options).get()).rejects.toThrow(refused)
      await expect(sessions.destroy(null, options)).rejects.toThrow(refused)
    }
  })

  it('S8: moves the idle end, unless the request is no use of the session', async () => {
    const { made, id, header } = await visitor()
    await open(made.context, header, { touch: false })
    expect(made.store.expiries.get(id)).toBeUndefined()
    for (const options of [undefined, {}, { touch: true }]) {
      made.store.expiries.clear()
      await open(made.context, header, options)
      expect(made.store.expiries.get(id)).toBe(start + 3_600_000)
    }
  })

  it('F6: takes a prefetch for no use of the session, unless it is told to: no later end, no new token', async () => {
    const { made, id, header } = await visitor({ lifetime: { rotate: 60 } })
    made.clock.now += 61_000
    const ask = async (purpose: string, touch?: boolean): Promise<string> => {
      made.store.expiries.clear()
      const headers = { Cookie: header, 'Sec-Purpose': purpose }
      const request = new Request('https://shop.example/', { headers })
      const { commit } = await open(made.context, request, touch === undefined ? {} : { touch })
      expect(made.store.expiries.get(id) !== undefined).toBe(touch ?? purpose === '')
      return (await commit()).outcome
    }
    expect(await ask('prefetch')).toBe('unchanged')
    expect(await ask('prefetch;prerender', false)).toBe('unchanged')
    expect(await ask('', false)).toBe('unchanged')
    expect(await ask('prefetch', true)).toBe('rotated')
  })

  it('S56: does not query the store for two cookies, or one that is no token', async () => {
    const { made, header } = await visitor()
    await open(made.context, `${header}; ${nameOf(made)}=other`)
    await open(made.context, `${nameOf(made)}=%0d%0a`)
    expect(made.commands()).toEqual([])
    expect(made.events.map(({ type }) => type)).toEqual(['token.duplicate', 'token.malformed'])
  })

  it('S27: takes a token from the cookie alone', async () => {
    const { made, loaded } = await visitor()
    const { token } = loaded.address
    const request = new Request(`https://app.example/?${nameOf(made)}=${token}&sid=${token}`, {
      headers: { Authorization: `Bearer ${token}`, 'X-Session': token },
    })
    expect((await open(made.context, request)).session.state).toBe('new')
    expect(made.commands()).toEqual([])
  })

  it('knows whose the session is', async () => {
    const made = fake()
    const owner = await newOwner(made.context, 'zoë')
    const { address } = await put(made, {}, { owner, renewedAt: start + 5 })
    const { session } = await open(made.context, `${nameOf(made)}=${address.token}`)
    expect(session).toMatchObject({
      subject: 'zoë',
      ref: owner.ref,
      renewedAt: new Date(start + 5),
    })
  })

  it('T2: gives an unavailable session in an outage, and a new one for no record', async () => {
    const { made, header } = await visitor()
    made.store.fail('load', refused)
    expect((await open(made.context, header)).session).toMatchObject({
      state: 'unavailable',
      id: null,
    })
    const { token } = await newAddress(made)
    expect((await open(made.context, `${nameOf(made)}=${token}`)).session.state).toBe('new')
  })

  it('S37: rejects in an outage with the option, and for no other reason', async () => {
    const { made, header } = await visitor({ unavailable: 'throw' })
    made.store.fail('load', refused)
    await expect(open(made.context, header)).rejects.toMatchObject({ code: 'unavailable' })
    expect((await open(made.context, header)).session.state).toBe('live')
    expect((await open(made.context, null)).session.state).toBe('new')
  })

  it('S20: reads no cookie over plain http, says so, and sets none', async () => {
    const { made, header } = await visitor({ cookie: { secure: 'per-request' } })
    const insecure = { ...made.context, cookieFor: () => null }
    const { session, commit } = await open(insecure, header)
    expect(session.state).toBe('unavailable')
    expect(made.events).toEqual([{ type: 'request.insecure' }])
    ;(session.data as Values)['a'] = 2
    expect(await commit()).toMatchObject({ outcome: 'unavailable', cookie: null })
    expect(made.commands()).toEqual([])
    const throwing = { ...insecure, unavailable: 'throw' } as const
    await expect(open(throwing, header)).rejects.toThrow('The request came over plain http')
  })

  it('passes on how the request came', async () => {
    const { made, header } = await visitor({ cookie: { secure: 'per-request' } })
    expect((await open(made.context, header, { secure: true })).session.state).toBe('live')
    expect((await open(made.context, header, { secure: false })).session.state).toBe('new')
  })

  it('counts the loads, so that the last one is known', async () => {
    const { made, header } = await visitor()
    await open(made.context, header)
    await open(made.context, null)
    expect(made.context.loads.count).toBe(2)
  })
})

describe('commit', () => {
  it('saves once: a second call returns the result of the first', async () => {
    const { made, header, loaded } = await visitor()
    const { session, commit } = await open(made.context, header)
    ;(session.data as Values)['a'] = 2
    const both = [commit(), commit()]
    const committed = await both[0]
    expect(await both[1]).toBe(committed)
    expect(await commit()).toBe(committed)
    expect(committed).toMatchObject({ outcome: 'saved', failure: null, cookie: null })
    expect(made.commands()).toEqual(['load', 'save'])
    expect(await read(made, loaded.address)).not.toBeNull()
  })

  it('can be called again after it was refused, and says that the session was too large', async () => {
    const { made, id, header } = await visitor({ maxBytes: 1000 })
    const { session, commit } = await open(made.context, header)
    const data = session.data as Values
    data['b'] = 'x'.repeat(2000)
    await expect(commit()).rejects.toMatchObject({ code: 'too-large' })
    expect(made.events).toEqual([{ type: 'session.too-large', idPrefix: id.slice(0, 8) }])
    delete data['b']
    data['c'] = 1
    expect(await commit()).toMatchObject({ outcome: 'saved' })
    expect(made.commands()).toEqual(['load', 'save'])
  })

  it('S70: leaves the cookie alone for a token that the store does not know', async () => {
    const { made, header, loaded } = await visitor()
    await end(made, loaded)()
    const { session, commit } = await open(made.context, header)
    void session.data
    expect(await commit()).toMatchObject({ outcome: 'unchanged', cookie: null })
  })
})

describe('lock', () => {
  it('refuses every change with its reason, and leaves reading and the commit', async () => {
    const { made, header } = await visitor()
    const { session, commit, lock } = await open(made.context, header)
    lock('write in an action')
    const refusal = expect.objectContaining({ code: 'read-only', message: 'write in an action' })
    expect(() => ((session.data as Values)['a'] = 2)).toThrow(refusal)
    expect(() => session.signIn('zoë')).toThrow(refusal)
    expect(session.data).toEqual({ a: 1 })
    expect(await commit()).toMatchObject({ outcome: 'unchanged', cacheControl: 'private' })
    expect(() => ((session.data as Values)['a'] = 2)).toThrow('after the session was saved')
  })
})

import { describe, expect, it } from 'vitest'
import type { Traps } from './traps.ts'
import type { Visitor } from './visitor.ts'

/** Promises that loads stream, which settle after the response has left. */
export function describeStreams(traps: Traps): void {
  /** Requests a page's data, does something meanwhile, and returns the last value of the stream. */
  async function stream(visitor: Visitor, what: string, meanwhile?: () => Promise<unknown>) {
    const name = crypto.randomUUID()
    const { headers, rest } = await visitor.stream(`/stream/${what}/__data.json?gate=${name}`)
    await meanwhile?.()
    await visitor.post(`/api/gate?name=${name}`)
    const text = await rest()
    const said = /"data":\["((?:[^"\\]|\\.)*)"/.exec(text.trim().split('\n').at(-1) ?? '')?.[1]
    return { said, cookies: headers.getSetCookie() }
  }

  describe('a promise that a load streams', () => {
    it('gets an error when it changes the session after the save', async () => {
      const guest = await traps.guest('late')
      const { said } = await stream(guest, 'refused')
      expect(said).toMatch(/^committed: .*after the session was saved/)
      expect((await guest.session()).data).toEqual({ n_late: 1 })
    })

    it('gets an error when it is the first to ask for the session, and changes it', async () => {
      const guest = await traps.guest('late')
      const { said } = await stream(guest, 'first')
      expect(said).toMatch(/^read-only: .*saveLate/)
      expect((await guest.session()).data).toEqual({ n_late: 1 })
    })

    it('gets an error when it changes something inside a stored value', async () => {
      const guest = await traps.guest('late')
      await guest.get('/stream/hangs')
      const { said } = await stream(guest, 'nested')
      expect(said).toMatch(/^committed: .*session\.data\.coats/)
      expect((await guest.session()).data).toEqual({ n_late: 1, coats: ['wool'] })
    })

    it('gets an error when an endpoint that it calls changes the session', async () => {
      const guest = await traps.guest('late')
      expect((await stream(guest, 'sub-request')).said).toBe('endpoint 500')
      expect((await guest.session()).data).toEqual({ n_late: 1 })
    })

    it('saves with saveLate, merged with what other requests saved meanwhile', async () => {
      const guest = await traps.guest('late')
      const { said } = await stream(guest, 'saves', async () => {
        await guest.post('/api/add?what=late')
        await guest.post('/api/add?what=other')
      })
      expect(said).toBe('saved')
      expect((await guest.session()).data).toEqual({ n_late: 3, n_other: 1 })
    })

    it('does the same in a page as on a data request', async () => {
      for (const [what, said] of [
        ['saves', 'saved'],
        ['refused', 'committed: '],
      ] as const) {
        const guest = await traps.guest('late')
        const gate = crypto.randomUUID()
        const { rest } = await guest.stream(`/stream/${what}?gate=${gate}`)
        await guest.post(`/api/gate?name=${gate}`)
        expect(await rest()).toContain(said)
        expect((await guest.session()).data).toEqual({ n_late: what === 'saves' ? 2 : 1 })
      }
    })

    it('saves with saveLate when the session was not asked for before', async () => {
      const guest = await traps.guest('late')
      expect((await stream(guest, 'saves-unasked')).said).toBe('saved')
      expect((await guest.session()).data).toEqual({ n_late: 2 })
    })

    it('saves with saveLate into a session that the same request began', async () => {
      const visitor = traps.visitor()
      const { said, cookies } = await stream(visitor, 'begins')
      expect([said, cookies.length]).toEqual(['saved', 1])
      expect((await visitor.session()).data).toEqual({ n_load: 1, n_late: 1 })
    })

    it('revives nothing with saveLate after a logout', async () => {
      const guest = await traps.guest('late')
      const old = guest.copy()
      const { said } = await stream(old, 'saves', () => guest.post('/api/destroy'))
      expect(said).toBe('gone')
      expect((await old.session()).state).toBe('new')
    })

    it('cannot begin a session with saveLate, because its cookie could not be sent', async () => {
      await traps.memcached.flush()
      const { said, cookies } = await stream(traps.visitor(), 'saves')
      expect(said).toMatch(/^read-only: Coatcheck: saveLate\(event, change\)/)
      expect(cookies).toEqual([])
      expect(await traps.memcached.keys()).toEqual([])
    })

    it('leaves it to the hook when saveLate was in time', async () => {
      const visitor = traps.visitor()
      const { text, outcome } = await visitor.data('/stream/in-time')
      expect(text).toContain('"null"')
      expect(outcome).toBe('created')
      expect((await visitor.session()).data).toEqual({ n_late: 1 })
    })
  })
}

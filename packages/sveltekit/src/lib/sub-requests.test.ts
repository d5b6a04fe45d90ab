import type { RequestEvent } from '@sveltejs/kit'
import { describe, expect, it } from 'vitest'
import { shareWithSubRequests, ticketOf } from './sub-requests.ts'
import type { Visit } from './visit.ts'

const header = 'x-coatcheck-visit'
const visit = {} as Visit<object>

interface Sent {
  readonly url: string
  readonly ticket: string | null
  readonly owner: Visit<object> | undefined
  readonly headers: Headers
  readonly body: string
}

/** A shared fetch, and what SvelteKit's own was given. */
function sharedFetch(answer: () => Promise<Response> = async () => new Response('answer')) {
  const sent: Sent[] = []
  const tickets = new Map<string, Visit<object>>()
  const kitFetch: typeof fetch = async (input, init) => {
    const request = new Request(
      input instanceof Request ? input : new URL(input, 'https://app.example'),
      init,
    )
    const { url, headers } = request
    const ticket = headers.get(header)
    sent.push({
      url,
      ticket,
      owner: tickets.get(ticket ?? ''),
      headers,
      body: await request.text(),
    })
    return answer()
  }
  const event = { url: new URL('https://app.example/page'), fetch: kitFetch } as RequestEvent
  return { fetch: shareWithSubRequests(event, visit, tickets), sent, tickets }
}

describe('shareWithSubRequests', () => {
  it('marks requests to this app, however they are written, with a ticket each', async () => {
    const { fetch, sent } = sharedFetch()
    await fetch('/api', { method: 'POST', body: 'one', headers: { 'X-Mine': '1' } })
    await fetch('api?a=1', { headers: [['X-Mine', '1']] })
    await fetch(new URL('https://app.example/api'), { headers: new Headers({ 'X-Mine': '1' }) })
    await fetch(
      new Request('https://app.example/api', {
        method: 'POST',
        body: 'four',
        headers: { 'X-Mine': '1' },
      }),
    )
    expect(sent.map(({ owner }) => owner)).toEqual([visit, visit, visit, visit])
    expect(sent.map(({ headers }) => headers.get('X-Mine'))).toEqual(['1', '1', '1', '1'])
    expect(sent.map(({ body }) => body)).toEqual(['one', '', '', 'four'])
    expect(new Set(sent.map(({ ticket }) => ticket)).size).toBe(4)
  })

  it('leaves requests to others as they are', async () => {
    const { fetch, sent } = sharedFetch()
    const request = new Request('https://api.example/')
    for (const input of [
      'https://api.example/',
      '//app.example:8080/',
      new URL('http://app.example/'),
      request,
    ]) {
      await fetch(input)
    }
    expect(sent.map(({ ticket }) => ticket)).toEqual([null, null, null, null])
  })

  it('takes the tickets back when the answers are there, or the requests failed', async () => {
    const { fetch, tickets } = sharedFetch()
    const sending = fetch('/api')
    expect(tickets.size).toBe(1)
    await sending
    expect(tickets.size).toBe(0)
    const failing = sharedFetch(() => Promise.reject(new Error('planted')))
    await expect(failing.fetch('/api')).rejects.toThrow('planted')
    expect(failing.tickets.size).toBe(0)
  })

  it('rejects for what is no address, and throws nothing', async () => {
    const { fetch } = sharedFetch()
    await expect(fetch('http://')).rejects.toThrow(TypeError)
  })

  it('ends nothing when a request fails that nobody waits for', async () => {
    const unhandled: unknown[] = []
    const listen = (reason: unknown): void => void unhandled.push(reason)
    process.on('unhandledRejection', listen)
    const { fetch } = sharedFetch(() => Promise.reject(new Error('planted')))
    void fetch('/api')
    await new Promise((resolve) => setTimeout(resolve, 20))
    process.off('unhandledRejection', listen)
    expect(unhandled).toEqual([])
  })
})

describe('ticketOf', () => {
  const request = new Request('https://app.example/', { headers: { [header]: 'ticket' } })

  it('is what a sub-request carries', () => {
    expect(ticketOf({ isSubRequest: true, request } as RequestEvent)).toBe('ticket')
    const plain = new Request('https://app.example/')
    expect(ticketOf({ isSubRequest: true, request: plain } as RequestEvent)).toBe('')
  })

  it('is nothing when the request came from outside, whatever it carries', () => {
    expect(ticketOf({ isSubRequest: false, request } as RequestEvent)).toBe('')
  })
})

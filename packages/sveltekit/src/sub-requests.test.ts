import type { RequestEvent } from '@sveltejs/kit'
import { describe, expect, it } from 'vitest'
import { shareIdOf, shareWithSubRequests } from './sub-requests.ts'

const header = 'x-coatcheck-share'
const session = { data: 'of the page' }

interface Sent {
  readonly url: string
  readonly id: string | null
  readonly shared: typeof session | undefined
  readonly headers: Headers
  readonly body: string
}

/** A shared fetch, and what SvelteKit's own was given. */
function sharedFetch(answer: () => Promise<Response> = async () => new Response('answer')) {
  const sent: Sent[] = []
  const shares = new Map<string, typeof session>()
  const kitFetch: typeof fetch = async (input, init) => {
    const request = new Request(
      input instanceof Request ? input : new URL(input, 'https://app.example'),
      init,
    )
    const { url, headers } = request
    const id = headers.get(header)
    sent.push({
      url,
      id,
      shared: shares.get(id ?? ''),
      headers,
      body: await request.text(),
    })
    return answer()
  }
  const event = { url: new URL('https://app.example/page'), fetch: kitFetch } as RequestEvent
  return { fetch: shareWithSubRequests(event, session, shares), sent, shares }
}

describe('shareWithSubRequests', () => {
  it('marks requests to this app, however they are written, with an id each', async () => {
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
    expect(sent.map(({ shared }) => shared)).toEqual([session, session, session, session])
    expect(sent.map(({ headers }) => headers.get('X-Mine'))).toEqual(['1', '1', '1', '1'])
    expect(sent.map(({ body }) => body)).toEqual(['one', '', '', 'four'])
    expect(new Set(sent.map(({ id }) => id)).size).toBe(4)
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
    expect(sent.map(({ id }) => id)).toEqual([null, null, null, null])
  })

  it('forgets the ids when the answers are there, or the requests failed', async () => {
    const { fetch, shares } = sharedFetch()
    const sending = fetch('/api')
    expect(shares.size).toBe(1)
    await sending
    expect(shares.size).toBe(0)
    const failing = sharedFetch(() => Promise.reject(new Error('planted')))
    await expect(failing.fetch('/api')).rejects.toThrow('planted')
    expect(failing.shares.size).toBe(0)
  })

  it('rejects an invalid address, and throws nothing', async () => {
    const { fetch } = sharedFetch()
    await expect(fetch('http://')).rejects.toThrow(TypeError)
  })

  it('causes no unhandled rejection when a request fails that is not awaited', async () => {
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

describe('shareIdOf', () => {
  const request = new Request('https://app.example/', { headers: { [header]: 'an id' } })

  it('is what a sub-request carries', () => {
    expect(shareIdOf({ isSubRequest: true, request })).toBe('an id')
    const plain = new Request('https://app.example/')
    expect(shareIdOf({ isSubRequest: true, request: plain })).toBe('')
  })

  it('is nothing when the request came from outside, whatever it carries', () => {
    expect(shareIdOf({ isSubRequest: false, request })).toBe('')
  })
})

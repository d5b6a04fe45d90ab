import { describe, expect, it } from 'vitest'
import { answerFailure } from './failure-response.ts'

describe('answerFailure', () => {
  it.each([
    ['sign-in', 'You could not be signed in'],
    ['renewal', 'Your session could not be renewed'],
    ['sign-out', 'You could not be signed out'],
  ] as const)(
    'S37: answers a %s that was not done with 503, and when to try again',
    async (asked, text) => {
      for (const outcome of ['unavailable', 'unconfirmed', 'conflict', 'gone'] as const) {
        const response = answerFailure({ outcome, asked }) as Response
        expect(response.status).toBe(503)
        expect([...response.headers]).toEqual([
          ['content-type', 'text/plain; charset=utf-8'],
          ['retry-after', '5'],
        ])
        expect(await response.text()).toBe(`${text}. Please try again in a few seconds.\n`)
      }
    },
  )

  it('lets the response go of a change that was lost', () => {
    expect(answerFailure({ outcome: 'unavailable', asked: 'change' })).toBeUndefined()
  })

  it('answers 409 in place of a value that another request took first', async () => {
    for (const asked of ['change', 'sign-in'] as const) {
      const response = answerFailure({ outcome: 'taken', asked }) as Response
      expect(response.status).toBe(409)
      expect(response.headers.has('retry-after')).toBe(false)
      expect(await response.text()).toBe(
        'Another request was faster. Please load the page again.\n',
      )
    }
  })

  it('answers in place of a value that others may have: 409 if they may, 503 if they will get it', async () => {
    const answers = { moved: 409, gone: 409, taken: 409, conflict: 503, unavailable: 503 } as const
    for (const [outcome, status] of Object.entries(answers)) {
      const failure = { outcome: outcome as keyof typeof answers, asked: 'change' } as const
      const response = answerFailure({ ...failure, hasTaken: true }) as Response
      expect([outcome, response.status]).toEqual([outcome, status])
      expect(response.headers.has('retry-after')).toBe(status === 503)
    }
    const signIn = answerFailure({ outcome: 'moved', asked: 'sign-in', hasTaken: true }) as Response
    expect(await signIn.text()).toContain('You could not be signed in')
  })

  it('rule 8: gives a response of its own to every request', () => {
    const failure = { outcome: 'unavailable', asked: 'sign-in' } as const
    expect(answerFailure(failure)).not.toBe(answerFailure(failure))
  })
})

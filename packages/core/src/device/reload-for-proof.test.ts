import { describe, expect, it } from 'vitest'
import { reloadForProof } from './reload-for-proof.ts'

const answer = (headers: Record<string, string>, method = 'GET'): Response | null =>
  reloadForProof(new Request('https://app.example/a?b=c', { method, headers }))

describe('reloadForProof', () => {
  it.each(['cross-site', 'same-site'])(
    'has a link of another site (%s) loaded again',
    async (site) => {
      const response = answer({ 'Sec-Fetch-Site': site, 'Sec-Fetch-Mode': 'navigate' })
      expect(response?.status).toBe(200)
      expect(response?.headers.get('Refresh')).toBe('0')
      expect(response?.headers.get('Cache-Control')).toBe('private, no-store')
    },
  )

  it('answers nothing that would come back the same, so that it cannot go on for ever', () => {
    const navigate = { 'Sec-Fetch-Mode': 'navigate' }
    expect(answer({ ...navigate, 'Sec-Fetch-Site': 'same-origin' })).toBeNull()
    expect(answer({ ...navigate, 'Sec-Fetch-Site': 'none' })).toBeNull()
    expect(answer(navigate)).toBeNull()
    expect(answer({ 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors' })).toBeNull()
    expect(answer({ ...navigate, 'Sec-Fetch-Site': 'cross-site' }, 'POST')).toBeNull()
  })
})

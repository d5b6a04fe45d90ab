import { expect, it } from 'vitest'
import { takeLast } from './visitor.ts'

it('the last answer that changed the cookie counts', () => {
  const answers = [{ cookie: 'a=2' }, { cookie: 'a=1' }, { cookie: 'a=3' }, { cookie: 'a=1' }]
  expect(takeLast('a=1', answers)).toBe('a=3')
  expect(takeLast('a=1', [])).toBe('a=1')
  expect(takeLast('a=1', [{ cookie: null }])).toBeNull()
})

import { forbidden, notFound, permanentRedirect, redirect } from 'next/navigation.js'
import { expect, it } from 'vitest'
import { responseOf } from './control-flow.ts'

function thrownBy(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  throw new Error('It did not throw')
}

it('makes a response of a redirect, with its status and location', () => {
  const temporary = responseOf(thrownBy(() => redirect('/a;b?c=1;2')))
  expect([temporary.status, temporary.headers.get('Location')]).toEqual([307, '/a;b?c=1;2'])
  const permanent = responseOf(thrownBy(() => permanentRedirect('https://example.com/')))
  expect([permanent.status, permanent.headers.get('Location')]).toEqual([
    308,
    'https://example.com/',
  ])
})

it('makes a response of notFound()', () => {
  expect(responseOf(thrownBy(() => notFound())).status).toBe(404)
})

it('throws everything else on', () => {
  const digests = [
    'DYNAMIC_SERVER_USAGE',
    'BAILOUT_TO_CLIENT_SIDE_RENDERING',
    '',
    '4085670748',
    1,
    {},
  ]
  const errors = digests.map((digest) => Object.assign(new Error('No'), { digest }))
  for (const thrown of [
    ...errors,
    thrownBy(() => forbidden()),
    new Error('No'),
    null,
    undefined,
    'x',
  ]) {
    expect(thrownBy(() => responseOf(thrown))).toBe(thrown)
  }
})

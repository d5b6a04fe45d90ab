import { expect, it } from 'vitest'
import { nodeSite } from './node-site.ts'

it('gives a Node server a real request, and reads its answer', async () => {
  const site = nodeSite((request, response) => {
    response.setHeader('Set-Cookie', ['a=1; Path=/', 'b=2'])
    response.statusCode = 201
    response.end(
      `${request.method} ${request.url} ${request.headers.cookie} ${request.headers.host}`,
    )
  })
  const answer = await site.send(0, 'read', 'sid=7', 'k=1')
  expect(answer.status).toBe(201)
  expect(answer.setCookies()).toEqual(['a=1; Path=/', 'b=2'])
  expect(await answer.text()).toBe('GET /read?k=1 sid=7 app.example')
})

it('joins a body that is sent in pieces, and starts every request afresh', async () => {
  let count = 0
  const site = nodeSite((_, response) => {
    response.setHeader('Set-Cookie', `n=${++count}`)
    response.write('request ')
    response.write(`${count}`)
    response.end()
  })
  for (const n of [1, 2]) {
    const answer = await site.send(0, 'read', undefined)
    expect(await answer.text()).toBe(`request ${n}`)
    expect(answer.setCookies()).toEqual([`n=${n}`])
  }
})

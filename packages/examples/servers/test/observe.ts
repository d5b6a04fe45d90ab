import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { commandCount } from '@coatcheck/harness/memcached'
import { createVisitor } from '@coatcheck/testing'
import type { Visitor } from '@coatcheck/testing'

/** What a server does, as the cells of a row. */
export async function observe(
  url: string,
  memcached: MemcachedProcess,
): Promise<readonly string[]> {
  const visitorOf = (): Visitor => createVisitor((request) => fetch(request), { origin: url })
  return [
    await observeThrow(visitorOf(), '/throw-response'),
    await observeThrow(visitorOf(), '/throw-error'),
    await observeStream(visitorOf()),
    await observePublic(visitorOf(), memcached),
  ]
}

const visits = async (visitor: Visitor): Promise<number> => {
  const text = await (await visitor.fetch('/')).text()
  return Number(/^(\d+) visits$/.exec(text)?.[1])
}

/** By a visitor without a session: saved means that the answer has the cookie, and the next visit is the second. */
async function observeThrow(visitor: Visitor, path: string): Promise<string> {
  const response = await visitor.fetch(path)
  await response.text()
  const cookie = response.headers.getSetCookie().length > 0 ? 'with the cookie' : 'no cookie'
  const saved = (await visits(visitor)) === 2 ? 'saved' : 'dropped'
  return `${response.status}, ${saved}, ${cookie}`
}

async function observeStream(visitor: Visitor): Promise<string> {
  // workerd's local server compresses for clients that accept it, and then sends all at once.
  const headers = { 'Accept-Encoding': 'identity' }
  const response = await visitor.fetch('/stream', { headers })
  const chunks: string[] = []
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) chunks.push(decoder.decode(chunk as Uint8Array))
  const arrived = chunks.length > 1 ? 'in pieces' : 'at once'
  const saved = (await visits(visitor)) === 2 ? 'saved' : 'lost'
  return `${chunks.join('') === 'first,second' ? arrived : 'broken'}, ${saved}`
}

async function observePublic(visitor: Visitor, memcached: MemcachedProcess): Promise<string> {
  await visits(visitor)
  const before = await memcached.commands()
  const response = await visitor.fetch('/public')
  await response.text()
  const count = commandCount(before, await memcached.commands())
  const isLeft =
    !/cookie/i.test(response.headers.get('Vary') ?? '') && !response.headers.has('Cache-Control')
  return `${count} commands, headers ${isLeft ? 'untouched' : 'changed'}`
}

import { startMemcached } from '@coatcheck/harness/memcached'
import { createMemcacheSessionStorage } from '@remix-run/session-storage-memcache'
import session from 'express-session'
import { readFileSync } from 'node:fs'
import type { Visitor } from '@coatcheck/testing'
import { expect, it } from 'vitest'
import { expressPeer, ironPeer, ourPeer } from './peers.ts'
import type { Peer } from './peers.ts'

const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')

async function read(visitor: Visitor): Promise<Record<string, unknown>> {
  return (await (await visitor.fetch('/')).json()) as Record<string, unknown>
}

/** How many are kept of 20 changes, each of its own key, by requests that have all loaded the session before one saves. */
async function countKept(peer: Peer): Promise<number> {
  const visitor = peer.visitor()
  await visitor.fetch('/login')
  const keys = Array.from({ length: 20 }, (_, index) => `key${index}`)
  const sent = keys.map((key) => visitor.fetch(`/?hold&key=${key}`))
  await peer.gate.filled(keys.length)
  peer.gate.release()
  await Promise.all(sent)
  const data = await read(visitor)
  return keys.filter((key) => data[key] === true).length
}

/** Whether a request that ends after the logout signs its browser in again. */
async function isRevived(peer: Peer): Promise<boolean> {
  const visitor = peer.visitor()
  await visitor.fetch('/login')
  const slow = visitor.fetch('/?hold&key=late')
  await peer.gate.filled(1)
  const before = visitor.copy()
  await visitor.fetch('/logout')
  peer.gate.release()
  await slow
  return (await read(visitor))['user'] === 'ada' || (await read(before))['user'] === 'ada'
}

/** Whether a copy of the cookie is signed in after the logout. */
async function isReplayed(peer: Peer): Promise<boolean> {
  const visitor = peer.visitor()
  await visitor.fetch('/login')
  const copy = visitor.copy()
  await visitor.fetch('/logout')
  return (await read(copy))['user'] === 'ada'
}

async function measure(
  make: () => Peer | Promise<Peer>,
): Promise<readonly [number, boolean, boolean]> {
  const peers = [await make(), await make(), await make()] as const
  const [first, second, third] = peers
  const found = [await countKept(first), await isRevived(second), await isReplayed(third)] as const
  for (const peer of peers) peer.close()
  return found
}

it('express-session keeps 1 of 20 changes, and a slow request undoes a logout', async () => {
  expect(await measure(() => expressPeer())).toEqual([1, true, false])
  expect(readme).toContain('| 20 changes at once, each of its own key: kept | **20** | 1 |')
  expect(readme).toContain(
    '| a slow request ends after the logout | **stays signed out** | signed in again |',
  )
})

it('iron-session keeps 1 of 20 changes, and a logout does not end a copy of the cookie', async () => {
  expect(await measure(ironPeer)).toEqual([1, true, true])
})

it('Coatcheck keeps 20 of 20 changes, and a logout ends the session', async () => {
  expect(await measure(ourPeer)).toEqual([20, false, false])
})

it('express-session answers with an error while its store is down', async () => {
  const store = new session.MemoryStore()
  const peer = await expressPeer(store)
  const visitor = peer.visitor()
  await visitor.fetch('/login')
  store.get = (_id, done) => done(new Error('down'))
  expect((await visitor.fetch('/')).status).toBe(500)
  peer.close()
})

it("express-session's store has the ids of the cookies and plain data", async () => {
  const store = new session.MemoryStore()
  const peer = await expressPeer(store)
  const visitor = peer.visitor()
  await visitor.fetch('/login')
  const kept = (store as unknown as { sessions: Record<string, string> }).sessions
  const [[id, text] = []] = Object.entries(kept)
  expect(decodeURIComponent(visitor.cookie)).toContain(`s:${id}.`)
  expect(text).toContain('"user":"ada"')
  peer.close()
})

it('session-storage-memcache has hashes of the ids, and plain data', async () => {
  const memcached = await startMemcached({ trace: false })
  const storage = createMemcacheSessionStorage(memcached.address)
  const visitor = await storage.read(null)
  visitor.set('user', 'ada')
  const cookie = await storage.save(visitor)
  const [key = ''] = await memcached.keys()
  expect(key).not.toContain(cookie)
  expect(String(await memcached.rawGet(key))).toContain('"user":"ada"')
  await memcached.kill()
})

import { createSessions } from '@coatcheck/core'
import type { SessionStore } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { describe, expect, it } from 'vitest'
import { through } from './stores.ts'

const name = '__Host-Http-sid'
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

const randomToken = (): string =>
  Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url')

/** The same beginning, and another character at the end: one of those that can end a token. */
function nearMiss(token: string): string {
  const at = alphabet.indexOf(token.slice(-1))
  return token.slice(0, -1) + alphabet[(at + 4) % 64]
}

/**
 * A thousand tokens that begin as this one does and differ within the last six characters. Many, because the
 * place of a single string in memory alone shows in the time it takes.
 */
function nearMisses(token: string): readonly string[] {
  const tokens = Array.from({ length: 1000 }, () => token.slice(0, 37) + randomToken().slice(37))
  return tokens.map((each) => Buffer.from(each).toString('latin1'))
}

async function begin(
  store: SessionStore,
): Promise<{ look: (token: string) => Promise<string>; token: string }> {
  const sessions = createSessions<{ a: number }>({ store, secrets: ['x'.repeat(32)] })
  const { session, commit } = await sessions.open('')
  session.data.a = 1
  const { cookie } = await commit()
  const look = async (token: string): Promise<string> =>
    (await sessions.open(`${name}=${token}`)).session.state
  return { look, token: cookie?.value as string }
}

type Ask = (token: string) => Promise<unknown>
type Sides = readonly [near: readonly string[], far: readonly string[]]

/**
 * Welch's t of two ways to look something up, asked in turn, in random order. The slower half of each is
 * what the machine did besides, and is left out.
 */
async function tOf(ask: Ask, sides: Sides, rounds: number): Promise<number> {
  const times: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    const first = Math.random() < 0.5 ? 0 : 1
    for (const which of [first, 1 - first] as (0 | 1)[]) {
      const tokens = sides[which]
      const token = tokens[round % tokens.length] as string
      const from = performance.now()
      await ask(token)
      times[which].push(performance.now() - from)
    }
  }
  const [left, right] = times.map((all) => {
    const kept = all.toSorted((a, b) => a - b).slice(0, all.length >> 1)
    const mean = kept.reduce((sum, each) => sum + each, 0) / kept.length
    const variance = kept.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (kept.length - 1)
    return { mean, error: variance / kept.length }
  }) as [{ mean: number; error: number }, { mean: number; error: number }]
  return (left.mean - right.mean) / Math.sqrt(left.error + right.error)
}

/** A leak shows every time, and in one direction; noise does not. */
async function leaks(ask: Ask, sides: Sides, rounds: number): Promise<readonly number[]> {
  const seen: number[] = []
  for (let attempt = 0; attempt < 4; attempt++) {
    seen.push(await tOf(ask, sides, rounds))
    const isQuiet = Math.abs(seen.at(-1) as number) < 4.5
    const isUndecided = new Set(seen.map(Math.sign)).size > 1
    if (isQuiet || isUndecided) return []
  }
  return seen
}

describe('the time that a look-up takes', () => {
  it('S40, CVE-2019-16782: does not tell a token that is nearly right from one that is not', async () => {
    const { look, token } = await begin(memoryStore())
    const near = nearMiss(token)
    expect([await look(token), await look(near)]).toEqual(['live', 'new'])
    const sides: Sides = [nearMisses(token), nearMisses(randomToken())]
    for (const each of sides.flat()) await look(each)
    expect(await leaks(look, sides, 25_000)).toEqual([])
  }, 300_000)

  it('S40: this would notice a store that compares tokens from the left, 50 ns a character', async () => {
    const live = randomToken()
    const compare = async (token: string): Promise<void> => {
      await Promise.resolve()
      let at = 0
      while (at < 43 && token[at] === live[at]) {
        const until = performance.now() + 0.000_05
        do at += 0
        while (performance.now() < until)
        at++
      }
    }
    const seen = await leaks(compare, [nearMisses(live), nearMisses(randomToken())], 5000)
    expect(seen).toHaveLength(4)
    for (const t of seen) expect(t).toBeGreaterThan(4.5)
  }, 300_000)

  it('S40, CVE-2019-16782: what the store is asked for has nothing in common with the token', async () => {
    const asked: string[] = []
    const store = through(memoryStore(), ({ id }) => void asked.push(id))
    const { look, token } = await begin(store)
    asked.length = 0
    await look(token)
    await look(nearMiss(token))
    for (const each of nearMisses(token)) await look(each)
    const [own = '', ...others] = asked
    const common = (id: string): number =>
      id.split('').findIndex((letter, at) => letter !== own[at])
    const shared = others.filter((id) => id !== own).map(common)
    expect(shared.length).toBeGreaterThan(900)
    // 1000 random ids share 4 letters with another one in 17 million cases.
    expect(Math.max(...shared)).toBeLessThan(4)
    for (const id of asked) expect(token).not.toContain(id.slice(0, 4))
  })
})

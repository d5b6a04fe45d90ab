import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { encodeText } from './encode-text.ts'
import type { RandomBytes } from './random.ts'
import { addressOf, createToken, idOf, isToken } from './token.ts'

const text = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const alphabet = text.split('')
const head = `${'aZ09-_'.repeat(7)}`

const secure: RandomBytes = (bytes) => crypto.getRandomValues(bytes)

describe('a token', () => {
  it('S6: is 32 random bytes as 43 base64url characters', () => {
    const bytes = Uint8Array.from({ length: 32 }, (_, at) => at * 8)
    const asked: number[] = []
    const token = createToken((empty) => {
      asked.push(empty.length)
      empty.set(bytes)
    })
    expect(asked).toEqual([32])
    expect(token).toBe(Buffer.from(bytes).toString('base64url'))
    expect(createToken((empty) => empty.fill(0))).toBe('A'.repeat(43))
    expect(createToken((empty) => empty.fill(255))).toBe(`${'_'.repeat(42)}8`)
  })

  it('S5: differs from 99,999 others, and each is canonical', () => {
    const tokens = new Set<string>()
    for (let at = 0; at < 100_000; at++) {
      const token = createToken(secure)
      if (!isToken(token)) throw new Error(`not canonical: ${token}`)
      tokens.add(token)
    }
    expect(tokens.size).toBe(100_000)
  })
})

describe('isToken', () => {
  it('accepts the 16 last characters that carry 4 bits, and refuses the 48 other spellings', () => {
    const last = alphabet.filter((character) => isToken(head + character))
    expect(last).toHaveLength(16)
    expect(last.join('')).toBe(alphabet.filter((_, at) => at % 4 === 0).join(''))
    for (const character of last) {
      const token = head + character
      expect(Buffer.from(token, 'base64url').toString('base64url')).toBe(token)
    }
  })

  it('accepts every character of base64url at every other place, and no other byte', () => {
    for (let at = 0; at < 42; at++) {
      const accepted = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).filter(
        (character) => isToken('A'.repeat(at) + character + 'A'.repeat(42 - at)),
      )
      expect(accepted.toSorted()).toEqual(alphabet.toSorted())
    }
  })

  it.each<[string, string]>([
    ['nothing', ''],
    ['42 characters', 'A'.repeat(42)],
    ['44 characters', 'A'.repeat(44)],
    ['300 characters', 'A'.repeat(300)],
    ['a megabyte', 'A'.repeat(1_000_000)],
    ['a line after it', `${'A'.repeat(43)}\n`],
    ['CRLF and a command', `${'A'.repeat(20)}\r\nset x 0 0 1\r\n`],
    ['NUL', `${'A'.repeat(42)}\0`],
    ['a path', `../${'A'.repeat(40)}`],
    ['a space before', ` ${'A'.repeat(42)}`],
    ['a space after', `${'A'.repeat(43)} `],
    ['percent signs', `${'A'.repeat(37)}%0d%0a`],
    ['padding', `${'A'.repeat(43)}=`],
    ['quotes', `"${'A'.repeat(43)}"`],
    ['characters of base64 alone', `+/${'A'.repeat(41)}`],
    ['letters that look like ours', `${'Α'.repeat(42)}A`],
    ['a letter that folds to ours', `${'A'.repeat(42)}\u212a`],
    ['a letter of two units', `${'A'.repeat(41)}\u{1f600}`],
  ])('S56: refuses %s', (_kind, value) => {
    expect(isToken(value)).toBe(false)
  })
})

describe('idOf', () => {
  const token = createToken((empty) => empty.fill(7))

  it('CVE-2019-16782: is SHA-256 over domain, namespace and token', async () => {
    const expected = (namespace: string): string => {
      const text = `coatcheck id 1\0${namespace}\0${token}`
      return createHash('sha256').update(text).digest('base64url')
    }
    expect(await idOf('shop', token)).toBe(expected('shop'))
    expect(await idOf('default', token)).toBe(expected('default'))
  })

  it('does not change between versions, or every session would be lost', async () => {
    expect(await idOf('shop', 'A'.repeat(43))).toBe('vmnjKs59fXxWUdGg78gUAjlOrE_HEv5ZG501aBrzk2w')
  })

  it('S59b: has the form of a token, and holds nothing of it', async () => {
    for (let at = 0; at < 500; at++) {
      const fresh = createToken(secure)
      const id = await idOf('default', fresh)
      expect(isToken(id)).toBe(true)
      expect(id).not.toContain(fresh.slice(0, 6))
    }
  })

  it('S26: differs by namespace and by token', async () => {
    const other = createToken((empty) => empty.fill(8))
    const ids = await Promise.all([
      idOf('a', token),
      idOf('b', token),
      idOf('a', other),
      idOf('b', other),
      idOf(`a${token}`, ''),
    ])
    expect(new Set(ids).size).toBe(5)
  })
})

describe('addressOf', () => {
  it('gives a token with its id, and seals the record with the token', async () => {
    const token = 'A'.repeat(43)
    const id = await idOf('shop', token)
    expect(await addressOf('shop', token)).toEqual({ id, keyMaterial: token, token })
  })
})

describe('encodeText', () => {
  it('makes of different parts or purposes different bytes', () => {
    const texts = [
      encodeText('id'),
      encodeText('id', ''),
      encodeText('id', '', ''),
      encodeText('id', 'a', 'b'),
      encodeText('id', 'ab'),
      encodeText('id', 'b', 'a'),
      encodeText('i', 'd'),
      encodeText('s'),
    ]
    const shown = texts.map((text) => Buffer.from(text).toString('hex'))
    expect(new Set(shown).size).toBe(texts.length)
    expect(Buffer.from(encodeText('id', 'a', 'é')).toString()).toBe('coatcheck id 1\0a\0é')
  })
})

describe('the source of the core', () => {
  const root = join(import.meta.dirname, '..')
  const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }))

  function filesWith(pattern: RegExp): string[] {
    return sources.filter(({ text }) => pattern.test(text)).map(({ file }) => file)
  }

  it('S6: has no source of randomness but getRandomValues', () => {
    expect(sources.length).toBeGreaterThan(20)
    expect(filesWith(/Math\s*\.\s*random|Math\[|randomUUID|generateRandom/)).toEqual([])
    expect(filesWith(/getRandomValues\(/)).toEqual(['crypto/random.ts'])
  })

  it('CVE-2026-39410: never trims what Unicode calls white, and decodes no percent signs', () => {
    expect(filesWith(/\.trim(Start|End)?\(|decodeURI|unescape\(/)).toEqual([])
  })

  it('writes to the console in one file alone', () => {
    expect(filesWith(/console\./)).toEqual(['print-events.ts'])
  })
})

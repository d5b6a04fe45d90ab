import { createSessions } from '@coatcheck/core'
import type { SessionStore } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { tokenOf, valuesByLibrary, valuesOf } from './cookie-oracle.ts'
import { fuzz } from './fuzz-watch.ts'
import type { Fuzzed } from './fuzz-watch.ts'
import { createPrng } from './prng.ts'
import type { Prng } from './prng.ts'

const name = '__Host-Http-sid'

/**
 * Passes headers to `sessions.open`, and compares the result with the slow reader, and that with the `cookie` library.
 */
export async function fuzzCookies(seed: number, count: number): Promise<Fuzzed> {
  const prng = createPrng(seed)
  const records = memoryStore()
  let loads = 0
  const store: SessionStore<number> = {
    inProcess: true,
    load: (...args) => {
      loads++
      return records.load(...args)
    },
    create: (...args) => records.create(...args),
    save: (...args) => records.save(...args),
    delete: (...args) => records.delete(...args),
  }
  const sessions = createSessions({ store, lifetime: { unused: 86_400, idle: 86_400 } })
  const opened = await sessions.open('')
  opened.session.data['here'] = true
  const known = (await opened.commit()).cookie?.value ?? ''

  return fuzz<{ header: string; expected: string | null; agreed: boolean }>({
    count,
    next: () => {
      const { kind, input } = nextHeader(prng, known)
      const agreed = valuesOf(input, name).join(';') === valuesByLibrary(input, name).join(';')
      return { kind, input: { header: input, expected: tokenOf(input, name), agreed } }
    },
    show: ({ header }) => JSON.stringify(header.slice(0, 300)),
    async call({ header, expected, agreed }) {
      if (!agreed) return 'the slow reader and the library do not agree'
      loads = 0
      const { session } = await sessions.open(header)
      if (loads !== (expected === null ? 0 : 1)) return `${loads} loads, for ${String(expected)}`
      const state = expected === known ? 'live' : 'new'
      return session.state === state ? null : `${session.state}, and not ${state}`
    },
  })
}

type Kind = 'one' | 'several' | 'noise' | 'edited' | 'huge'

const noise = [
  ';',
  '=',
  ' ',
  '\t',
  ',',
  '"',
  '%',
  '\\',
  '\0',
  '\r',
  '\n',
  '\v',
  '\f',
  '\u00a0',
  '\ufeff',
  '\u2000',
  '\u3000',
  '\u0085',
  '\ud800',
  '%20',
  '%3D',
  '%3B',
  '; ',
  ';;',
  '==',
  '__Host-',
  '$Version=1',
  'é',
  '𝄞',
]

const names = [
  name,
  name,
  name,
  name.toLowerCase(),
  name.toUpperCase(),
  ` ${name}`,
  `${name} `,
  `\t${name}\t`,
  `\u00a0${name}`,
  `${name}\u00a0`,
  `\ufeff${name}`,
  `\v${name}`,
  `${name}\f`,
  `%5F_Host-Http-sid`,
  `${name}\0`,
  'sid',
  'Host-Http-sid',
  `${name}2`,
  `"${name}"`,
  '',
  `${name},${name}`,
]

function nextHeader(prng: Prng, known: string): { kind: Kind; input: string } {
  const kind = prng.chance(0.0001)
    ? 'huge'
    : prng.pick(['one', 'several', 'noise', 'edited'] as const)
  return { kind, input: headers[kind](prng, known) }
}

const headers: Readonly<Record<Kind, (prng: Prng, known: string) => string>> = {
  one: (prng, known) => pair(prng, known),
  several: (prng, known) =>
    Array.from({ length: 1 + prng.below(5) }, () => pair(prng, known)).join(
      prng.pick(['; ', ';', ' ; ', ';\t', ', ']),
    ),
  noise: (prng) => Array.from({ length: prng.below(30) }, () => piece(prng)).join(''),
  edited: (prng, known) => edit(prng, `a=1; ${name}=${known}; b=2`),
  huge: (prng, known) => `${piece(prng).repeat(1 + prng.below(500_000))}; ${pair(prng, known)}`,
}

function pair(prng: Prng, known: string): string {
  return `${prng.pick(names)}${prng.pick(['=', '=', '=', ' = ', '==', ''])}${value(prng, known)}`
}

function value(prng: Prng, known: string): string {
  switch (prng.below(8)) {
    case 0:
      return Buffer.from(prng.fill(new Uint8Array(32))).toString('base64url')
    case 1:
      return edit(prng, known)
    case 2:
      return `"${known}"`
    case 3:
      return ` ${known}\t`
    case 4:
      return piece(prng)
    case 5:
      return known.slice(0, -1) + prng.pick('AEIMQUYcgkosw048BCDZz19-_'.split(''))
    default:
      return known
  }
}

function piece(prng: Prng): string {
  return prng.chance(0.7) ? prng.pick(noise) : String.fromCharCode(prng.below(0x180))
}

/** Inserts, removes or changes one to three characters. */
function edit(prng: Prng, text: string): string {
  let edited = text
  for (let edits = 1 + prng.below(3); edits > 0; edits--) {
    const at = prng.below(edited.length + 1)
    const put = prng.chance(0.3) ? '' : piece(prng)
    edited = edited.slice(0, at) + put + edited.slice(at + prng.below(2))
  }
  return edited
}

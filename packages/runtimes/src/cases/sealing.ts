import type { Case, Cryptography, World } from '../case.ts'
import { equal, hex, holds } from '../check.ts'
import { secret, setUp } from '../desk.ts'

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)
const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
const jefe = '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'

async function sealed(crypto: Cryptography, plain: Uint8Array<ArrayBuffer>) {
  const key = await crypto.deriveKey(bytes('T'.repeat(43)), bytes('salt'), bytes('info'))
  const whole = new Uint8Array(plain.length + 16)
  await crypto.seal(key, new Uint8Array(12).fill(7), plain, bytes('extra'), whole)
  return { key, whole }
}

const vectors: readonly [what: string, run: (crypto: Cryptography) => Promise<string | void>][] = [
  ['SHA-256 of FIPS 180-4', async (crypto) => equal(hex(await crypto.sha256(bytes('abc'))), abc)],
  [
    'the digest of a text is base64url',
    async (crypto) =>
      equal(await crypto.digest('abc'), 'ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0'),
  ],
  [
    'HMAC-SHA-256 of RFC 4231',
    async (crypto) =>
      equal(hex(await crypto.hmac(bytes('Jefe'), bytes('what do ya want for nothing?'))), jefe),
  ],
  ...[0, 1, 16, 4096].map((length): (typeof vectors)[number] => [
    `seals and opens ${length} bytes, the same everywhere`,
    async (crypto) => {
      const plain = new Uint8Array(length).map((_, at) => at * 7)
      const { key, whole } = await sealed(crypto, plain)
      const opened = await crypto.open(key, new Uint8Array(12).fill(7), whole, bytes('extra'))
      equal(opened, plain)
      return hex(await crypto.sha256(whole))
    },
  ]),
  [
    'opens nothing that was changed or cut short',
    async (crypto) => {
      const { key, whole } = await sealed(crypto, bytes('plain'))
      const nonce = new Uint8Array(12).fill(7)
      for (let at = 0; at < whole.length; at++) {
        const changed = whole.slice()
        changed[at]! ^= 1
        equal(await crypto.open(key, nonce, changed, bytes('extra')), null)
        equal(await crypto.open(key, nonce, whole.slice(0, at), bytes('extra')), null)
      }
      equal(await crypto.open(key, nonce, whole, bytes('other')), null)
    },
  ],
]

function forEach(world: World, run: (crypto: Cryptography) => Promise<string | void>) {
  const all = Object.values(world.cryptographies)
  holds(all.length > 0, 'a cryptography')
  return all.reduce<Promise<string | void>>(async (before, crypto) => {
    const [first, second] = [await before, await run(crypto)]
    if (typeof first === 'string') equal(second, first, 'the other cryptography')
    return second
  }, Promise.resolve())
}

/** Bytes that every runtime draws alike. */
function counting(): (into: Uint8Array) => void {
  let next = 0
  return (into) => into.forEach((_, at) => (into[at] = next++ % 251))
}

export const sealing: readonly Case[] = [
  ...vectors.map(([name, run]): Case => ({
    feature: 'sealing',
    name,
    run: (world) => forEach(world, run),
  })),
  {
    feature: 'sealing',
    name: 'a record is the same bytes on every runtime',
    async run(world) {
      const { sessions, visit, store } = setUp(world, { testing: { random: counting() } })
      const { cookie } = await visit('', ({ data }) => {
        data['text'] = 'é 🧥'
        data['when'] = new Date(0)
      })
      const { session } = await sessions.open(cookie)
      const { bytes: record } = (await store.load(session.id!))!
      return `${session.id} ${hex(record)}`
    },
  },
  {
    feature: 'sealing',
    name: 'what is stored shows nothing of the data',
    async run(world) {
      const { sessions, visit, store } = setUp(world)
      const { cookie } = await visit('', ({ data }) => void (data['name'] = 'Marguerite'))
      const { session } = await sessions.open(cookie)
      const { bytes: record } = (await store.load(session.id!))!
      const text = new TextDecoder('latin1').decode(record)
      holds(!text.includes('Marguerite') && !text.includes('name'), 'sealed data')
    },
  },
  {
    feature: 'sealing',
    name: 'a secret that was rotated still opens, and a foreign one does not',
    async run(world) {
      const store = world.memory.memoryStore()
      const first = setUp(world, { store })
      const { cookie } = await first.visit('', ({ data }) => void (data['a'] = 1))
      const newer = 'another secret of more than thirty-two bytes'
      const rotated = setUp(world, { store, secrets: [newer, secret] })
      equal((await rotated.visit(cookie)).data, { a: 1 })
      const foreign = setUp(world, { store, secrets: [newer] })
      const { state, committed } = await foreign.visit(cookie, ({ data }) => void (data['a'] = 2))
      equal([state, committed.outcome], ['new', 'unavailable'])
    },
  },
  {
    feature: 'sealing',
    name: 'a record under the id of another session is not opened',
    async run(world) {
      const { sessions, visit, store } = setUp(world)
      const [mine, theirs] = [await visit('', one), await visit('', one)]
      const id = async (cookie: string) => (await sessions.open(cookie)).session.id!
      const { bytes: record } = (await store.load(await id(theirs.cookie)))!
      const own = (await store.load(await id(mine.cookie)))!
      await store.save(await id(mine.cookie), record, Infinity, own.version)
      equal((await visit(mine.cookie)).state, 'new')
    },
  },
]

function one({ data }: { readonly data: Record<string, unknown> }): void {
  data['a'] = 1
}

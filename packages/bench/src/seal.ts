import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { createSessions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'

/**
 * Measures the cost of sealing: each crypto implementation by itself, then whole requests with and without, in one run:
 * `node src/seal.ts [rounds]`. Writes results/seal.md.
 */
const rounds = Number(process.argv[2] ?? 60)
const sizes = [200, 4096, 32_768] as const

type Bytes = Uint8Array<ArrayBuffer>
type Eventually<value> = value | Promise<value>

/** The measured part of the core's crypto interface, which has no public entry point. */
interface Crypto {
  readonly deriveKey: (material: Bytes, salt: Bytes, info: Bytes) => Eventually<object>
  readonly seal: (key: object, nonce: Bytes, plain: Bytes, extra: Bytes) => Eventually<Bytes>
  readonly open: (
    key: object,
    nonce: Bytes,
    sealed: Bytes,
    extra: Bytes,
  ) => Eventually<Bytes | null>
}

async function load(name: 'primitives-node' | 'primitives-web'): Promise<Crypto> {
  const url = new URL(`../../core/src/crypto/${name}.ts`, import.meta.url)
  return ((await import(url.href)) as { readonly crypto: Crypto }).crypto
}

/** The cost of an in-process store: copying the bytes. */
const none: Crypto = {
  deriveKey: () => ({}),
  seal: (_key, _nonce, plain) => new Uint8Array(plain),
  open: (_key, _nonce, sealed) => new Uint8Array(sealed),
}

const text = (value: string): Bytes => new TextEncoder().encode(value)
const [token, salt, info] = [
  text('T'.repeat(43)),
  text('s'.repeat(44)),
  text('coatcheck seal 1\0default'),
]
const extra = text(`12345${'i'.repeat(43)}`)

type Task = () => Promise<void>

/** Microseconds per run of each task: the median of all rounds, with the tasks taking turns. */
async function time(tasks: ReadonlyMap<string, Task>): Promise<ReadonlyMap<string, number>> {
  const seen = new Map([...tasks.keys()].map((name): [string, number[]] => [name, []]))
  for (let round = -5; round < rounds; round++) {
    for (const [name, task] of tasks) {
      const from = performance.now()
      for (let run = 0; run < 40; run++) await task()
      if (round >= 0) seen.get(name)?.push(((performance.now() - from) * 1000) / 40)
    }
  }
  return new Map([...seen].map(([name, all]) => [name, median(all)]))
}

function median(all: readonly number[]): number {
  return all.toSorted((left, right) => left - right)[all.length >> 1] as number
}

async function primitives(): Promise<ReadonlyMap<string, Task>> {
  const tasks = new Map<string, Task>()
  const ways = { node: await load('primitives-node'), web: await load('primitives-web'), none }
  for (const size of sizes) {
    for (const [name, crypto] of Object.entries(ways)) {
      const key = await crypto.deriveKey(token, salt, info)
      const nonce = new Uint8Array(12)
      const plain = new Uint8Array(size).fill(97)
      const sealed = await crypto.seal(key, nonce, plain, extra)
      tasks.set(
        `derive ${name} ${size}`,
        async () => void (await crypto.deriveKey(token, salt, info)),
      )
      tasks.set(
        `seal ${name} ${size}`,
        async () => void (await crypto.seal(key, nonce, plain, extra)),
      )
      tasks.set(
        `open ${name} ${size}`,
        async () => void (await crypto.open(key, nonce, sealed, extra)),
      )
    }
  }
  return tasks
}

/** Requests that read one key, and requests that change one, of a session of about this size. */
async function requests(): Promise<ReadonlyMap<string, Task>> {
  const tasks = new Map<string, Task>()
  for (const size of sizes) {
    for (const kind of ['sealed', 'bare'] as const) {
      const records = memoryStore()
      const sessions = createSessions<{ n: number; rest: string }>({
        store: kind === 'bare' ? records : { ...records, inProcess: false },
        secrets: ['s'.repeat(44)],
      })
      const first = await sessions.open('')
      Object.assign(first.session.data, { n: 0, rest: 'x'.repeat(size - 110) })
      const { cookie } = await first.commit()
      const header = `${cookie?.name}=${cookie?.value}`
      let n = 0
      tasks.set(`read ${kind} ${size}`, async () => {
        const { session, commit } = await sessions.open(header)
        void session.data.n
        await commit()
      })
      tasks.set(`change ${kind} ${size}`, async () => {
        const { session, commit } = await sessions.open(header)
        session.data.n = ++n
        if ((await commit()).outcome !== 'saved') throw new Error('not saved')
      })
    }
  }
  return tasks
}

const parts = await time(await primitives())
const whole = await time(await requests())

const of = (times: ReadonlyMap<string, number>, name: string): number => times.get(name) as number
const microseconds = (value: number): string => value.toFixed(1)
const ratio = (value: number): string => `${value.toFixed(1)} ×`

const partRows = sizes.flatMap((size) =>
  ['derive', 'seal', 'open'].map((part) => {
    const [node, web, bare] = ['node', 'web', 'none'].map((way) =>
      of(parts, `${part} ${way} ${size}`),
    ) as [number, number, number]
    return `| ${part} | ${size} | ${microseconds(node)} | ${microseconds(web)} | ${microseconds(bare)} | ${ratio(web / node)} |`
  }),
)
const wholeRows = sizes.flatMap((size) =>
  ['read', 'change'].map((what) => {
    const [sealed, bare] = ['sealed', 'bare'].map((kind) =>
      of(whole, `${what} ${kind} ${size}`),
    ) as [number, number]
    return `| ${what} one key | ${size} | ${microseconds(sealed)} | ${microseconds(bare)} | ${ratio(sealed / bare)} | ${microseconds(sealed - bare)} |`
  }),
)

const page = `# What sealing costs

\`node packages/bench/src/seal.ts\` · Node ${process.version} · ${cpus()[0]?.model.trim() ?? 'unknown'} · medians of
${rounds} rounds of 40, all ways in turn. A shared machine: compare within a row.

## The cryptography by itself, in microseconds

\`derive\` is HKDF-SHA-256 of the token, once a request; \`seal\` and \`open\` are AES-256-GCM. \`none\` copies the bytes.

| | bytes | node:crypto | Web Crypto | none | Web Crypto to node:crypto |
|---|---|---|---|---|---|
${partRows.join('\n')}

## Whole requests without a network, in microseconds

\`open\` and \`commit\` on \`memoryStore\`, by node:crypto: sealed as for memcached, and bare as in-process memory is.

| | bytes | sealed | bare | sealed to bare | difference |
|---|---|---|---|---|---|
${wholeRows.join('\n')}
`

mkdirSync(new URL('../results/', import.meta.url), { recursive: true })
writeFileSync(new URL('../results/seal.md', import.meta.url), page)
process.stdout.write(page)

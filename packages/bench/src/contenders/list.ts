import type { Contender } from './contender.ts'

/** Loaded by name, so that a process loads only its own contender. */
const files: Record<string, () => Promise<{ readonly contenders: readonly Contender[] }>> = {
  floors: () => import('./floors.ts'),
  raw: () => import('./raw.ts'),
  coatcheck: () => import('./coatcheck.ts'),
  express: () => import('./express.ts'),
  fastify: () => import('./fastify.ts'),
  hono: () => import('./hono.ts'),
  remix: () => import('./remix.ts'),
  sveltekit: () => import('./sveltekit.ts'),
  'cookies-only': () => import('./cookies-only.ts'),
  ancestor: () => import('./ancestor.ts'),
}

/** What the bench's main process knows about a contender. */
export interface Listed extends Omit<Contender, 'start'> {
  /** The file that contains it. */
  readonly file: string
}

export async function listContenders(): Promise<readonly Listed[]> {
  const all = await Promise.all(
    Object.entries(files).map(async ([file, load]) =>
      (await load()).contenders.map((contender): Listed => ({ ...contender, file })),
    ),
  )
  return all.flat()
}

export async function loadContender(file: string, name: string): Promise<Contender> {
  const { contenders } = await files[file]!()
  const found = contenders.find((contender) => contender.name === name)
  if (found === undefined) throw new Error(`There is no contender ${name} in ${file}`)
  return found
}

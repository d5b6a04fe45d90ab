import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startMemcached } from '@coatcheck/harness/memcached'
import { startValkey } from '@coatcheck/harness/valkey'
import { Tarballs } from './pack.ts'
import type { Surroundings } from './replay.ts'
import { shellEnv } from './shell.ts'
import type { StartPage } from './start-pages.ts'
import type { Step } from './steps.ts'
import { stepsOf } from './steps.ts'

export const root = fileURLToPath(new URL('../../../../', import.meta.url))

/** Where this repository has Bun and Deno. */
const programs = join(root, 'packages/examples/servers/node_modules/.bin')

export function stepsOfPage({ slug }: StartPage): readonly Step[] {
  const read = (file: string): string => readFileSync(join(root, file), 'utf8')
  return stepsOf(read(`packages/docs/pages/${slug}.md`))
}

/** Stores, packages, a folder and a shell for pages. */
export async function prepare(
  isLatest: boolean,
): Promise<Surroundings & { readonly end: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-start-'))
  // Where GitHub cannot be reached, npm asks it for minutes before it leaves out an optional package from there.
  const env = { ...shellEnv(folder, [programs]), ...(isLatest ? {} : { npm_config_git: 'false' }) }
  const [memcached, valkey] = await Promise.all([startMemcached({ trace: false }), startValkey()])
  return {
    env,
    folder,
    isLatest,
    tarballs: new Tarballs(root, join(folder, 'tarballs'), env),
    stores: {
      MEMCACHE_SERVERS: memcached.address,
      VALKEY_URL: `valkey://${valkey.address}`,
    },
    async end() {
      await Promise.all([memcached.kill(), valkey.end()])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

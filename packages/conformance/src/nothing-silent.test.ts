import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startMemcached } from '@coatcheck/harness/memcached'
import { describe, expect, it } from 'vitest'

const file = fileURLToPath(new URL('unheard-process.ts', import.meta.url))

/** What a process without a listener says on its console, line by line. */
async function hear(args: readonly string[], env: NodeJS.ProcessEnv): Promise<readonly string[]> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [file, ...args], {
    env: { ...process.env, ...env },
  })
  expect(stdout).toBe('')
  return stderr.split('\n').filter((line) => line !== '')
}

const production = { NODE_ENV: 'production' }
const development = { NODE_ENV: 'development' }

describe.each(['memory', 'memcached'])('without a listener, on %s', (kind) => {
  async function run(
    what: string,
    env: NodeJS.ProcessEnv,
    listens = '',
  ): Promise<readonly string[]> {
    if (kind === 'memory') return hear([what, '', listens], env)
    const memcached = await startMemcached()
    try {
      if (what === 'store away') await memcached.kill()
      return await hear([what, memcached.address, listens], env)
    } finally {
      await memcached.kill()
    }
  }

  it.each<[string, NodeJS.ProcessEnv, RegExp]>([
    ['store away', production, /^coatcheck: The session store failed \(.*Check that it is up/],
    ['plain http', production, /^coatcheck: The session cookie was set over plain http.*Use https/],
    ['no secret', development, /^coatcheck: createSessions: secrets is missing.*set it to/],
    ['unknown secret', production, /^coatcheck: A session is sealed with a secret.*Give every/],
  ])(
    'C6: %s is one line that says what to do, however often it happens',
    async (what, env, line) => {
      const lines = await run(what, env)
      expect(lines).toEqual([expect.stringMatching(line)])
    },
  )

  it.each(['store away', 'plain http', 'no secret', 'unknown secret'])(
    'C6: %s is not printed if a listener is set',
    async (what) => {
      const env = what === 'no secret' ? development : production
      expect(await run(what, env, 'listens')).toEqual([])
    },
  )

  it('C6: nothing is printed if all is well, or over plain http in development', async () => {
    expect(await run('all is well', production)).toEqual([])
    expect(await run('plain http', development)).toEqual([])
  })
})

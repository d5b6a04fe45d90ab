import { freePort } from '@coatcheck/harness/server-process'
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { findProgram } from '../src/markdown.ts'

const home = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(join(home, '../../README.md'), 'utf8')

/** The first answer of a server that is starting. */
async function firstAnswer(url: string, tries = 100): Promise<Response> {
  try {
    return await fetch(url)
  } catch (error) {
    if (tries === 0) throw error
    await sleep(100)
    return firstAnswer(url, tries - 1)
  }
}

it('H4, H5: the first program of the README runs with one command, and answers as its transcript says', async () => {
  const port = await freePort()
  const file = join(home, '.cache/first/server.mts')
  mkdirSync(dirname(file), { recursive: true })
  const { code } = findProgram(readme, 'server.mts')
  writeFileSync(file, code)
  const { NODE_ENV: _, ...others } = process.env
  const env = { ...others, PORT: `${port}` }
  const server = spawn(process.execPath, [file], { env, stdio: 'ignore' })
  try {
    const first = await firstAnswer(`http://localhost:${port}/`)
    const answered = ['cache-control', 'content-type', 'set-cookie', 'vary'].map(
      (name) => `${name}: ${first.headers.get(name)}`,
    )
    const withoutToken = (lines: string): string => lines.replace(/sid=[\w-]{43}/, 'sid=TOKEN')
    const [, transcript = ''] = /\nHTTP\/1.1 200\n([\s\S]*?)\n\n/.exec(readme) ?? []
    expect(withoutToken(answered.join('\n'))).toBe(withoutToken(transcript))
    expect(await first.text()).toBe('{"hat":1}')
    const headers = { Cookie: first.headers.get('set-cookie')!.split(';')[0] as string }
    const send = (): Promise<Response> => fetch(`http://localhost:${port}/`, { headers })
    expect(await (await send()).text()).toBe('{"hat":2}')
    await Promise.all(Array.from({ length: 20 }, send))
    expect(await (await send()).text()).toBe('{"hat":23}')
    expect((await fetch(`http://localhost:${port}/favicon.ico`)).status).toBe(404)
  } finally {
    server.kill()
  }
})

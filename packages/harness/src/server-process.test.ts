import { spawn } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'

const source = new URL('./server-process.ts', import.meta.url).href
/** Draws 26000 first, then 27200. Prints the port and runs until its input ends. */
const program = `
  const draws = [0.5, 0.6]
  Math.random = () => draws.shift()
  const { freePort } = await import('${source}')
  console.log(await freePort())
  process.stdin.resume()
`

describe('freePort', () => {
  it('gives a port to one process, until that process ends', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'coatcheck-claims-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const first = start(folder)
    expect(await port(first)).toBe('26000')
    const second = start(folder)
    expect(await port(second)).toBe('27200')
    await end(first)
    const third = start(folder)
    expect(await port(third)).toBe('26000')
    await end(second)
    await end(third)
  })
})

function start(folder: string): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    env: { ...process.env, TMPDIR: folder },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

async function port(child: ChildProcessWithoutNullStreams): Promise<string> {
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer]
  return String(chunk).trim()
}

async function end(child: ChildProcessWithoutNullStreams): Promise<void> {
  const exit = once(child, 'exit')
  child.stdin.end()
  await exit
}

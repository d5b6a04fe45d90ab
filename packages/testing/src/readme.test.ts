import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const blocks = [...readme.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code)
/** Inside this package, so that its imports resolve. */
const scratch = fileURLToPath(new URL('../.cache/readme/', import.meta.url))

/** Runs the tests of a code block with `node --test`. Returns what it prints. */
async function runBlock(name: string, code: string): Promise<string> {
  const file = join(scratch, `${name}.test.ts`)
  writeFileSync(file, code)
  const flags = ['--test-reporter=tap', file]
  return (await promisify(execFile)(process.execPath, flags)).stdout
}

beforeAll(() => void mkdirSync(scratch, { recursive: true }))
afterAll(() => rmSync(scratch, { recursive: true }))

describe('the README', () => {
  it('has tests of a store that run under node:test and pass', async () => {
    const code = blocks.find((block) => block.includes('describeStore(')) ?? ''
    expect(await runBlock('store', code)).toMatch(/^# pass [5-9]\d\n# fail 0$/m)
  })

  it('has a test with a visitor that runs under node:test and passes', async () => {
    const code = blocks.find((block) => block.includes('createVisitor(')) ?? ''
    expect(await runBlock('visitor', code)).toMatch(/^# pass 1\n# fail 0$/m)
  })

  it('shows the interface of a test runner as it is', () => {
    const runner = readFileSync(new URL('runner.ts', import.meta.url), 'utf8')
    const shown = blocks.find((block) => block.includes('interface TestRunner')) ?? 'missing'
    expect(runner).toContain(shown)
  })
})

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

function run(folder: string, ...command: readonly [string, ...string[]]): string {
  const cwd = fileURLToPath(new URL(`../../${folder}`, import.meta.url))
  const [program, ...args] = command
  const { stdout, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8' })
  return stdout + stderr
}

const ownCompiler = ['node_modules/.bin/tsc', '-p', '.'] as const

it('the example compiles with the types of React Router 8 and TypeScript 7', () => {
  run('examples/react-router', 'node_modules/.bin/react-router', 'typegen')
  expect(run('examples/react-router', ...ownCompiler)).toBe('')
})

it('the adapter compiles with the types of React Router 7 and TypeScript 6', () => {
  expect(run('remix/fixtures/react-router-7', ...ownCompiler)).toBe('')
})

it('the fixture compiles with the types of Remix 2 and TypeScript 5', () => {
  expect(run('remix/fixtures/remix-2', ...ownCompiler)).toBe('')
})

it('the fixture compiles with the types of Remix 3', () => {
  expect(run('remix/fixtures/remix-3', '../../../../node_modules/.bin/tsc', '-p', '.')).toBe('')
})

import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { readDependenciesPage, withDependencies } from '../src/dependencies.ts'

it('the page on dependencies has what npm installs', () => {
  const page = readDependenciesPage()
  expect(withDependencies(page), 'run npm --prefix packages/docs run dependencies').toBe(page)
})

it('argon2 and bcrypt, which oslo asks for, are never loaded', () => {
  const core = fileURLToPath(new URL('../../core/src/index.ts', import.meta.url))
  const memory = fileURLToPath(new URL('../../core/src/memory.ts', import.meta.url))
  const program = `
    const { createSessions } = await import(${JSON.stringify(core)})
    const { memoryStore } = await import(${JSON.stringify(memory)})
    const { session, commit } = await createSessions({ store: memoryStore() }).open(null)
    session.data.a = 1
    await commit()
    const native = () => process.report.getReport().sharedObjects.filter((file) => /\\.node$/.test(file)).length
    const before = native()
    const { createRequire } = await import('node:module')
    const { realpathSync } = await import('node:fs')
    const oslo = realpathSync(${JSON.stringify(fileURLToPath(new URL('../../core/node_modules/oslo', import.meta.url)))})
    createRequire(oslo + '/package.json')('@node-rs/bcrypt')
    console.log(JSON.stringify([before, native()]))`
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  // The second number: the first would not be 0 if one were loaded.
  expect(JSON.parse(said)).toEqual([0, 1])
})

import { describeBundle, describeExample, describeExampleInBrowser } from '@coatcheck/testkit/example-suite'
import { beforeAll, describe, expect, it } from 'vitest'
import { built, run, start } from './start.ts'

beforeAll(() => run('vite', 'build'))

describeExample('SvelteKit 3', start)
describeExampleInBrowser('SvelteKit 3', start)
describeBundle(built('build/client'), built('build/server'))

describe('the types of the example', () => {
  it('pass svelte-check, with the session typed by app.d.ts', () => {
    run('svelte-kit', 'sync')
    expect(() => run('svelte-check', '--fail-on-warnings')).not.toThrow()
  })
})

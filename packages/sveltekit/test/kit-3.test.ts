import { expect, it } from 'vitest'
import { kit3 } from './app.ts'
import { describeTraps } from './traps.ts'

const app = kit3()

describeTraps('SvelteKit 3', app)

it('the types of the traps pass svelte-check', () => {
  expect(() => app.checkTypes()).not.toThrow()
}, 300_000)

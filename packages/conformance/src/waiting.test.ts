import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

/** Nothing but the commit keeps it alive; its first three saves meet others. */
const script = `
  import { createSessions } from '@coatcheck/core'
  import { memoryStore } from '@coatcheck/core/memory'
  const records = memoryStore()
  let conflicts = 3
  const save = (...all) => conflicts-- > 0 ? Promise.resolve('conflict') : records.save(...all)
  const { open } = createSessions({ store: { ...records, save } })
  const first = await open('')
  first.session.data.visits = 1
  const { cookie } = await first.commit()
  const second = await open(cookie.name + '=' + cookie.value)
  second.session.data.visits = 2
  console.log((await second.commit()).outcome)
`

describe('a script that awaits a commit', () => {
  it('does not end while the commit waits before another try', async () => {
    const run = promisify(execFile)
    const args = ['--input-type=module', '-e', script]
    const { stdout } = await run(process.execPath, args, { cwd: import.meta.dirname })
    expect(stdout).toBe('saved\n')
  })
})

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const script = fileURLToPath(new URL('./install.ts', import.meta.url))

describe('install', () => {
  it('does nothing when the programs are there', () => {
    const { status, stdout } = spawnSync(process.execPath, [script], { encoding: 'utf8' })
    expect(stdout).toBe('memcached and chromium are there.\n')
    expect(status).toBe(0)
  })

  it('says what to install when it cannot do so itself', () => {
    const options = { encoding: 'utf8', env: { PATH: '/nowhere' } } as const
    const { status, stderr } = spawnSync(process.execPath, [script], options)
    expect(stderr).toContain('apt-get install -y memcached chromium')
    expect(stderr).toContain('brew install memcached && brew install --cask chromium')
    expect(status).toBe(1)
  })
})

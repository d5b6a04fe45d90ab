import { afterEach, describe, expect, it, vi } from 'vitest'
import { isolatesRequests, readVariable } from './runtime.ts'

afterEach(() => void vi.unstubAllGlobals())

describe('a variable of the environment', () => {
  it('is undefined where the environment may not be read, or where there is none', () => {
    vi.stubEnv('COATCHECK_TEST', 'set')
    expect(readVariable('COATCHECK_TEST')).toBe('set')
    const env = new Proxy(
      {},
      {
        get() {
          throw new Error('Requires env access')
        },
      },
    )
    vi.stubGlobal('process', { env })
    expect(readVariable('COATCHECK_TEST')).toBeUndefined()
    vi.stubGlobal('process', undefined)
    expect(readVariable('COATCHECK_TEST')).toBeUndefined()
    vi.unstubAllEnvs()
  })
})

describe('a runtime that keeps requests apart', () => {
  it('is told by its name', () => {
    expect(isolatesRequests()).toBe(false)
    vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' })
    expect(isolatesRequests()).toBe(true)
    vi.stubGlobal('navigator', undefined)
    expect(isolatesRequests()).toBe(false)
  })
})

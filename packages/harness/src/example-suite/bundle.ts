import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

/** Text that occurs only in server code: names of this library that minifiers keep, and those of key derivation. */
const marks =
  /@coatcheck\/|createSessions|memcachedStore|memjs|valkeyStore|iovalkey|hkdf|__Host-Http-|coatcheck:/i

/** The browser code of a built application contains no session code. */
export function describeBundle(client: string, server: string): void {
  describe('what browsers load', () => {
    it('S4: contains nothing of the core or the store', () => {
      const files = filesIn(client)
      expect(files.length).toBeGreaterThan(0)
      const marked = files.filter((file) => marks.test(readFileSync(file, 'latin1')))
      expect(marked).toEqual([])
      expect(filesIn(server).some((file) => marks.test(readFileSync(file, 'latin1')))).toBe(true)
    })
  })
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

import { defineConfig } from 'vitest/config'

/** The tests beside the files that are mutated, and no others: a unit's own tests must hold it. */
export default defineConfig({
  test: {
    include: [
      'src/{rules,commit,data}/*.test.ts',
      'src/http/cookie.test.ts',
      'src/crypto/token.test.ts',
      'src/store/record.test.ts',
    ],
    testTimeout: 60_000,
  },
})

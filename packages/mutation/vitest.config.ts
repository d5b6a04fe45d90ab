import { defineConfig } from 'vitest/config'

/** The tests beside the files that are mutated, and no others: a unit's own tests must hold it. */
export default defineConfig({
  test: {
    include: ['src/lib/{changes,resolvers,next-step,expiry,cookie,token}.test.ts'],
    testTimeout: 60_000,
  },
})

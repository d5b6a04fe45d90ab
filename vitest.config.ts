import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['packages/**/*.test.ts'],
    reporters: ['default', './packages/testkit/src/plain-reporter.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})

import { defineConfig } from 'vitest/config'

const apps = ['packages/{next,remix,sveltekit}/**/*.test.ts', 'packages/examples/**/*.test.ts']
const shared = { testTimeout: 60_000, hookTimeout: 60_000, expect: { poll: { timeout: 20_000 } } }

export default defineConfig({
  test: {
    reporters: ['default', './packages/harness/src/plain-reporter.ts'],
    projects: [
      {
        // Bounds on how long a command may take hold on an idle machine: builds and browsers come after.
        test: {
          name: 'packages',
          include: ['packages/**/*.test.ts'],
          exclude: ['**/node_modules/**', ...apps],
          sequence: { groupOrder: 1 },
          ...shared,
        },
      },
      {
        test: {
          name: 'apps',
          include: apps,
          exclude: ['**/node_modules/**', '**/build/**', '**/.next/**'],
          sequence: { groupOrder: 2 },
          maxWorkers: 2,
          ...shared,
          // A click takes seconds where many builds and browsers run at once.
          testTimeout: 180_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
})

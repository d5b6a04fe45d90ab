import { defineConfig } from 'vitest/config'

const apps = [
  'packages/{next,remix,sveltekit}/**/*.test.ts',
  'packages/examples/**/*.test.ts',
  'packages/docs/test/replay.test.ts',
]
const unit = 'packages/{core,memcached,valkey}/**/*.test.ts'
// These wait for real time to pass: for the expiry of a store, for a deadline, for a server that is frozen.
const slow = [
  'packages/memcached/**/{contract-*,fault*,*-frozen,*-scale}.test.ts',
  'packages/valkey/**/contract*.test.ts',
]
// Also copies of packages that tests and mutation testing make.
const installed = '**/{node_modules,.cache}/**'

const shared = {
  testTimeout: 60_000,
  hookTimeout: 60_000,
  expect: { poll: { timeout: 20_000 } },
  // Bounds on how long a command may take hold on an idle machine: what needs both cores comes after.
  sequence: { groupOrder: 1 },
}

export default defineConfig({
  test: {
    reporters: ['default', './packages/harness/src/plain-reporter.ts'],
    projects: [
      {
        test: { name: 'unit', include: [unit], exclude: [installed, ...slow], ...shared },
      },
      {
        // The concurrent tests of a contract all wait at the same time.
        test: {
          name: 'slow',
          include: slow,
          exclude: [installed],
          maxConcurrency: 40,
          ...shared,
        },
      },
      {
        test: {
          name: 'packages',
          include: ['packages/**/*.test.ts'],
          exclude: [installed, unit, ...apps],
          maxWorkers: 2,
          ...shared,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'apps',
          include: apps,
          exclude: [installed, '**/build/**', '**/.next/**'],
          maxWorkers: 2,
          ...shared,
          sequence: { groupOrder: 3 },
          // A click takes seconds where many builds and browsers run at once.
          testTimeout: 180_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
})

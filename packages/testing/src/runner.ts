/** What every test runner has: vitest, `node:test`, `bun:test`, Jest, Mocha. */
export interface TestRunner {
  describe(name: string, fn: () => void): unknown
  it(name: string, fn: () => void | Promise<void>): unknown
}

/** The functions of a test runner: vitest, `node:test`, `bun:test`, Jest or Mocha. */
export interface TestRunner {
  describe(name: string, fn: () => void): unknown
  it(name: string, fn: () => void | Promise<void>): unknown
}

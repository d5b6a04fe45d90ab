import type { Reporter, TestModule } from 'vitest/node'

/** Ends every run with one plain line, `N passed, N failed`, that any tool can read. */
export default class PlainReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    let passed = 0
    let failed = 0
    for (const module of modules) {
      const before = failed
      for (const test of module.children.allTests()) {
        if (test.result().state === 'passed') passed++
        else failed++
      }
      // A file that broke before its tests ran has no failed test to show for it.
      if (before === failed && module.state() === 'failed') failed++
    }
    process.stdout.write(`\n${passed} passed, ${failed} failed\n`)
  }
}

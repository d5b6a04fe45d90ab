import type { Reporter, TestModule } from 'vitest/node'

/** Ends every run with one line that any tool can parse: `N passed, N failed`. */
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
      // A file that failed before its tests ran has no failed test.
      if (before === failed && module.state() === 'failed') failed++
    }
    process.stdout.write(`\n${passed} passed, ${failed} failed\n`)
  }
}

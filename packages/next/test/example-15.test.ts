import { describeExample, describeExampleInBrowser } from '@coatcheck/harness/example-suite'
import { beforeAll } from 'vitest'
import { build, copyApp, starter } from './apps.ts'

/** The same application: only the proxy is a middleware there. */
const app = copyApp('../examples/next', 15)

beforeAll(() => build(app), 300_000)

describeExample('Next.js 15', starter(app))
describeExampleInBrowser('Next.js 15', starter(app))

import { describeExample } from '@coatcheck/testkit/example-suite'
import { start } from './start.ts'

describeExample('the custom server', start)

import { describeExample, describeExampleOnValkey } from '@coatcheck/harness/example-suite'
import { start } from './start.ts'

describeExample('the custom server', start)
describeExampleOnValkey('the custom server', start)

import { describeExampleInBrowser, describeRacesInBrowser } from '@coatcheck/harness/example-suite'
import { start } from './start.ts'

describeExampleInBrowser('the custom server', start)
describeRacesInBrowser('the custom server', start)

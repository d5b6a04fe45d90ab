import {
  describeBundle,
  describeExample,
  describeExampleInBrowser,
  describeExampleOnValkey,
} from '@coatcheck/harness/example-suite'
import { beforeAll } from 'vitest'
import { describeForms } from './describe-forms.ts'
import { build, built, start } from './start.ts'

beforeAll(build, 300_000)

describeExample('Next.js 16', start)
describeExampleOnValkey('Next.js 16', start)
describeExampleInBrowser('Next.js 16', start)
describeBundle(built('.next/static'), built('.next/server'))
describeForms(start)

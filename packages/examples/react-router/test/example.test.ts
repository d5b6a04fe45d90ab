import {
  describeBundle,
  describeExample,
  describeExampleInBrowser,
  describeExampleOnValkey,
} from '@coatcheck/harness/example-suite'
import { beforeAll } from 'vitest'
import { build, built, start } from './start.ts'

beforeAll(build)

describeExample('React Router 8', start)
describeExampleOnValkey('React Router 8', start)
describeExampleInBrowser('React Router 8', start)
describeBundle(built('build/client'), built('build/server'))

import {
  describeExample,
  describeExampleOnValkey,
  exampleProcess,
} from '@coatcheck/harness/example-suite'
import { fileURLToPath } from 'node:url'

const cwd = fileURLToPath(new URL('example', import.meta.url))
const start = exampleProcess({ command: [process.execPath, 'main.ts'], cwd })

describeExample('the application on Hono', start)
describeExampleOnValkey('the application on Hono', start)

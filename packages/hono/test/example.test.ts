import { describeExample, exampleProcess } from '@coatcheck/harness/example-suite'
import { fileURLToPath } from 'node:url'

const cwd = fileURLToPath(new URL('example', import.meta.url))

describeExample(
  'the application on Hono',
  exampleProcess({ command: [process.execPath, 'main.ts'], cwd }),
)

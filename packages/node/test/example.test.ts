import {
  describeExample,
  describeExampleOnValkey,
  exampleProcess,
} from '@coatcheck/harness/example-suite'
import { fileURLToPath } from 'node:url'

const cwd = fileURLToPath(new URL('example', import.meta.url))

for (const [name, file] of [
  ['Express', 'express.ts'],
  ['Fastify', 'fastify.ts'],
] as const) {
  const start = exampleProcess({ command: [process.execPath, file], cwd })
  describeExample(`the application on ${name}`, start)
  describeExampleOnValkey(`the application on ${name}`, start)
}

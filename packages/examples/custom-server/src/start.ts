import { fileURLToPath } from 'node:url'
import { exampleProcess } from '@coatcheck/harness/example-suite'
import type { StartExample } from '@coatcheck/harness/example-suite'

/** The real server, in a process of its own. */
export const start: StartExample = exampleProcess({
  command: [process.execPath, 'src/main.ts'],
  cwd: fileURLToPath(new URL('..', import.meta.url)),
})

import { exampleProcess } from '@coatcheck/harness/example-suite'
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Development } from '../../examples/react-router/test/describe-reloads.ts'
import { describeReloads } from '../../examples/react-router/test/describe-reloads.ts'

const example = folder('../../examples/react-router')

// React Router 8 runs all of the server's code again after an edit of a page.
describeReloads('React Router 8', () => development(example, {}, ['app/routes/home.tsx']))
describeReloads('React Router 7', () =>
  development(folder('../fixtures/react-router-7'), { future: { v8_middleware: true } }, []),
)

/** A copy of the example that can be edited, with the packages of one version of React Router. */
function development(home: string, config: object, pages: readonly string[]): Development {
  const cwd = `${home}/.cache/reloads`
  rmSync(cwd, { recursive: true, force: true })
  mkdirSync(cwd, { recursive: true })
  cpSync(`${example}/app`, `${cwd}/app`, { recursive: true })
  cpSync(`${example}/vite.config.ts`, `${cwd}/vite.config.ts`)
  cpSync(`${home}/package.json`, `${cwd}/package.json`)
  symlinkSync(`${home}/node_modules`, `${cwd}/node_modules`)
  writeFileSync(`${cwd}/react-router.config.ts`, `export default ${JSON.stringify(config)}\n`)
  const serve = 'exec node_modules/.bin/react-router dev --host 127.0.0.1 --port "$PORT"'
  const sessionsFile = `${cwd}/app/sessions.server.ts`
  return {
    start: exampleProcess({ command: ['sh', '-c', serve], cwd }),
    sessionsFile,
    edited: [sessionsFile, ...pages.map((page) => `${cwd}/${page}`)],
  }
}

function folder(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url))
}

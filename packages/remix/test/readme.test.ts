import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const home = fileURLToPath(new URL('..', import.meta.url))
const folder = join(home, '.cache/readme')

/** What the programs in the README find around them. */
const surroundings: Readonly<Record<string, string>> = {
  'tsconfig.json': JSON.stringify({
    extends: '../../../../tsconfig.json',
    compilerOptions: {
      composite: false,
      declaration: false,
      declarationMap: false,
      jsx: 'react-jsx',
      module: 'esnext',
      moduleResolution: 'bundler',
      noEmit: true,
      rewriteRelativeImportExtensions: false,
      types: ['node'],
    },
    include: ['**/*'],
  }),
  'app/routes/+types/home.ts': routeTypes(),
  'app/routes/+types/report.ts': routeTypes(),
  'build/server/index.d.ts': buildTypes(),
  'sessions.ts': "export { sessions } from './app/sessions.server'\n",
  'srvx.d.ts': "declare module 'srvx' { export function serve(options: object): void }\n",
}

function routeTypes(): string {
  return `import type { ActionFunctionArgs, LoaderFunctionArgs } from 'react-router'
export declare namespace Route {
  type LoaderArgs = LoaderFunctionArgs
  type ActionArgs = ActionFunctionArgs
}
`
}

function buildTypes(): string {
  const names =
    'assets assetsBuildDirectory entry future isSpaMode mode publicPath routes'.split(' ')
  const lines = names.map((name) => `export declare const ${name}: ServerBuild['${name}']\n`)
  return `import type { ServerBuild } from '@remix-run/node'\n${lines.join('')}`
}

/**
 * The programs, by the path that their first line names; the second of a path is under another
 * name.
 */
function programs(): ReadonlyMap<string, string> {
  const text = readFileSync(join(home, 'README.md'), 'utf8')
  const found = new Map<string, string>()
  for (const [, indent = '', code = ''] of text.matchAll(/^( *)```tsx?\n([\s\S]*?)^ *```$/gm)) {
    const program = code.replaceAll(new RegExp(`^${indent}`, 'gm'), '')
    const path = /^\/\/ ([\w./]+\.tsx?)/.exec(program)?.[1] ?? 'remix-3.ts'
    found.set(found.has(path) ? `${path}.second.ts` : path, program)
  }
  return found
}

it('the programs in the README compile', () => {
  rmSync(folder, { recursive: true, force: true })
  const files = [...Object.entries(surroundings), ...programs()]
  expect(files.length - Object.keys(surroundings).length).toBeGreaterThanOrEqual(9)
  for (const [path, text] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  const tsc = join(home, '../../node_modules/.bin/tsc')
  const { stdout, stderr } = spawnSync(tsc, ['-p', folder], { cwd: folder, encoding: 'utf8' })
  expect(stdout + stderr).toBe('')
})

it('the README names the versions that are installed', () => {
  const text = readFileSync(join(home, 'README.md'), 'utf8').replaceAll(/\s+/g, ' ')
  const version = (name: string): string =>
    (JSON.parse(readFileSync(join(home, name, 'package.json'), 'utf8')) as { version: string }).version
  const fixture = 'fixtures/react-router-7/node_modules'
  expect(text).toContain(
    `React Router ${version('node_modules/react-router')} and ${version(`${fixture}/react-router`)}`,
  )
  expect(text).toContain(`Remix ${version('node_modules/@remix-run/node')}`)
  expect(text).toContain(`remix ${version('node_modules/remix')}`)
})

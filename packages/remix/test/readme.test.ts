import { launchChromium } from '@coatcheck/harness/chromium'
import { exampleProcess } from '@coatcheck/harness/example-suite'
import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const home = fileURLToPath(new URL('..', import.meta.url))
const folder = join(home, '.cache/readme')
const example = join(home, '../examples/react-router')

/** Files that the programs outside the application below need. */
const surroundings: Readonly<Record<string, string>> = {
  'tsconfig.json': JSON.stringify({
    extends: '../../../../tsconfig.json',
    compilerOptions: {
      allowJs: true,
      checkJs: true,
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
  'build/server/index.d.ts': buildTypes(),
  'sessions.ts': "export { sessions } from './app/sessions.server'\n",
  'srvx.d.ts': srvxTypes(),
}

function buildTypes(): string {
  const names = 'assets assetsBuildDirectory entry future isSpaMode mode publicPath routes'.split(
    ' ',
  )
  const lines = names.map((name) => `export declare const ${name}: ServerBuild['${name}']\n`)
  return `import type { ServerBuild } from '@remix-run/node'\n${lines.join('')}`
}

function srvxTypes(): string {
  return `declare module 'srvx' { export function serve(options: object): void }
declare module 'srvx/static' { export function staticMiddleware(options: object): unknown }
`
}

/** The programs, by the path in their first line. A second one with the same path gets another name. */
function programs(): ReadonlyMap<string, string> {
  const text = readFileSync(join(home, 'GUIDE.md'), 'utf8')
  const found = new Map<string, string>()
  for (const [, indent = '', code = ''] of text.matchAll(
    /^( *)```(?:js|tsx?)\n([\s\S]*?)^ *```$/gm,
  )) {
    const program = code.replaceAll(new RegExp(`^${indent}`, 'gm'), '')
    const path = /^\/\/ ([\w./]+\.(?:js|tsx?))/.exec(program)?.[1] ?? 'remix-3.ts'
    found.set(found.has(path) ? `${path}.second.ts` : path, program)
  }
  return found
}

it('the other programs in the guide compile', () => {
  rmSync(folder, { recursive: true, force: true })
  const others = [...programs()].filter(([path]) => !path.startsWith('app/ro'))
  expect(others.length).toBeGreaterThanOrEqual(6)
  const files = [...Object.entries(surroundings), ...others]
  for (const [path, text] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  const tsc = join(home, '../../node_modules/.bin/tsc')
  const { stdout, stderr } = spawnSync(tsc, ['-p', folder], { cwd: folder, encoding: 'utf8' })
  expect(stdout + stderr).toBe('')
})

/** The files of an application on React Router that the guide does not show. */
const application: Readonly<Record<string, string>> = {
  'app/routes.ts': `import { index, route } from '@react-router/dev/routes'
export default [
  index('routes/home.tsx'),
  route('login', 'routes/login.tsx'),
  route('logout', 'routes/logout.ts'),
  route('report', 'routes/report.tsx'),
  route('public', 'routes/public.ts'),
]
`,
  'app/routes/public.ts': "export const loader = () => new Response('public')\n",
  'app/root-element.tsx': `import { Outlet, Scripts } from 'react-router'
export default function Root() {
  return <html lang="en"><body><Outlet /><Scripts /></body></html>
}
`,
  'tsconfig.json': JSON.stringify({
    extends: join(example, 'tsconfig.json'),
    compilerOptions: { rootDirs: ['.', './.react-router/types'] },
    include: ['app/**/*', '.react-router/types/**/*'],
  }),
}

const shown = [
  'sessions.server.ts',
  'root.tsx',
  'routes/home.tsx',
  'routes/login.tsx',
  'routes/logout.ts',
  'routes/report.tsx',
]

/** Builds the application in the guide, with the packages of the example. */
function buildShown(): string {
  const cwd = join(home, '.cache/readme-app')
  rmSync(cwd, { recursive: true, force: true })
  mkdirSync(join(cwd, 'app/routes'), { recursive: true })
  for (const [path, text] of Object.entries(application)) writeFileSync(join(cwd, path), text)
  for (const path of shown) {
    writeFileSync(join(cwd, 'app', path), programs().get(`app/${path}`) ?? '')
  }
  appendFileSync(join(cwd, 'app/root.tsx'), "export { default } from './root-element'\n")
  for (const name of ['vite.config.ts', 'package.json'])
    cpSync(join(example, name), join(cwd, name))
  symlinkSync(join(example, 'node_modules'), join(cwd, 'node_modules'))
  for (const command of ['react-router typegen', 'tsc -p .', 'react-router build']) {
    const [program = '', ...args] = command.split(' ')
    const bin = join('node_modules/.bin', program)
    const { status, stdout, stderr } = spawnSync(bin, args, { cwd, encoding: 'utf8' })
    if (status !== 0) throw new Error(`${command} failed:\n${stdout}${stderr}`)
  }
  return cwd
}

it(
  'the application in the guide is built, counts, signs in and out',
  { timeout: 240_000 },
  async () => {
    const command = ['node_modules/.bin/react-router-serve', './build/server/index.js'] as const
    const app = await exampleProcess({ command, cwd: buildShown() })({ NODE_ENV: 'development' })
    const browser = await launchChromium()
    const page = await browser.newPage()
    await page.goto(app.url)
    await page.getByRole('button', { name: 'Count a visit' }).click()
    await page.getByText('1 until now').waitFor()
    await page.getByRole('link', { name: 'Sign in' }).click()
    await page.getByLabel('Name').fill('Ada')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: 'Welcome, Ada' }).waitFor()
    await page.getByText('1 until now').waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Welcome, stranger' }).waitFor()
    await page.getByText('0 until now').waitFor()
    await browser.close()
    await app.stop()
  },
)

it('the guide names the versions that are installed', () => {
  const text = readFileSync(join(home, 'GUIDE.md'), 'utf8').replaceAll(/\s+/g, ' ')
  const version = (name: string): string =>
    (JSON.parse(readFileSync(join(home, name, 'package.json'), 'utf8')) as { version: string })
      .version
  const fixture = 'fixtures/react-router-7/node_modules'
  expect(text).toContain(
    `React Router ${version('node_modules/react-router')} and ${version(`${fixture}/react-router`)}`,
  )
  expect(text).toContain(`Remix ${version('node_modules/@remix-run/node')}`)
  expect(text).toContain(`remix ${version('node_modules/remix')}`)
})

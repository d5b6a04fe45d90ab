import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The files of an application, by path. */
type Template = Readonly<Record<string, string>>

/**
 * `create-react-router` and `create-hono` download their templates from GitHub, which not every machine that runs the
 * tests can reach. These have what the pages build on, in the same places. The nightly run takes the real ones.
 */
export const templates = {
  'react-router': {
    'package.json': JSON.stringify({
      name: 'shop',
      private: true,
      type: 'module',
      scripts: { build: 'react-router build', dev: 'react-router dev' },
      dependencies: {
        '@react-router/node': '8.4.0',
        '@react-router/serve': '8.4.0',
        isbot: '5.2.3',
        react: '19.3.1',
        'react-dom': '19.3.1',
        'react-router': '8.4.0',
      },
      devDependencies: { '@react-router/dev': '8.4.0', vite: '8.3.8' },
    }),
    'vite.config.ts': `import { reactRouter } from '@react-router/dev/vite'
import { defineConfig } from 'vite'

export default defineConfig({ plugins: [reactRouter()] })
`,
    'react-router.config.ts': 'export default { ssr: true }\n',
    'app/root.tsx': `import type { ReactNode } from 'react'
import { Outlet, Scripts } from 'react-router'

export function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        {children}
        <Scripts />
      </body>
    </html>
  )
}

export default function Root() {
  return <Outlet />
}
`,
    'app/routes.ts': `import { index } from '@react-router/dev/routes'

export default [index('routes/home.tsx')]
`,
    'app/routes/home.tsx': `export default function Home() {
  return <h1>A new application</h1>
}
`,
  },
  hono: {
    'package.json': JSON.stringify({
      name: 'shop',
      private: true,
      type: 'module',
      scripts: { dev: 'tsx watch src/index.ts' },
      dependencies: { '@hono/node-server': '2.1.8', hono: '4.13.19' },
      devDependencies: { '@types/node': '24.19.2', tsx: '4.23.15' },
    }),
    'tsconfig.json': JSON.stringify({
      compilerOptions: { module: 'nodenext', strict: true, target: 'esnext', types: ['node'] },
    }),
    'src/index.ts': `import { serve } from '@hono/node-server'
import { Hono } from 'hono'

serve(new Hono().get('/', (c) => c.text('A new application')))
`,
  },
} as const satisfies Readonly<Record<string, Template>>

export type TemplateName = keyof typeof templates

export function writeTemplate(name: TemplateName, folder: string): void {
  for (const [path, text] of Object.entries(templates[name])) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
}

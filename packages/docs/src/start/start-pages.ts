import type { TemplateName } from './templates.ts'

export interface StandIn {
  readonly template: TemplateName
  /** The command of the page that makes the application. */
  readonly generator: string
  /** What takes its place, in a folder of the template beside it, `template`. */
  readonly command: string
}

/** A page that leads from an empty folder to a sign-in. */
export interface StartPage {
  readonly slug: string
  /** As the transcript calls it. */
  readonly name: string
  /** The page begins where these end. */
  readonly after?: readonly string[]
  /** How a visitor signs in: by the form of the page at this path, or by the calls of curl on the page. */
  readonly signIn: { readonly form: string } | 'curl'
  /** The version of the generator whose applications the tests are known to pass. */
  readonly pinned?: readonly [latest: string, version: string]
  /** Checks the types of the application, before it is served. The programs of the other pages are compiled by other tests. */
  readonly typecheck?: string
  /** The generator downloads its template from GitHub: what takes its place where that cannot be reached. */
  readonly standIn?: StandIn
}

export const startPages: readonly StartPage[] = [
  { slug: 'start/first-program', name: 'Node, Bun and Deno', signIn: 'curl' },
  {
    slug: 'start/memcached',
    name: 'Node, Bun and Deno, with memcached',
    after: ['start/first-program'],
    signIn: 'curl',
  },
  {
    slug: 'start/valkey',
    name: 'Node, with Valkey or Redis',
    after: ['start/first-program', 'start/memcached'],
    signIn: 'curl',
  },
  {
    slug: 'start/next',
    name: 'Next.js',
    signIn: { form: '/' },
    pinned: ['create-next-app@latest', 'create-next-app@16.4.3'],
  },
  {
    slug: 'start/sveltekit',
    name: 'SvelteKit',
    signIn: { form: '/' },
    pinned: ['sv@latest', 'sv@0.17.1'],
  },
  {
    slug: 'start/react-router',
    name: 'React Router',
    signIn: { form: '/login' },
    standIn: {
      template: 'react-router',
      generator: 'npx create-react-router@latest shop --yes',
      command: 'npx create-react-router@8.4.0 shop --yes --no-git-init --template ./template',
    },
  },
  {
    slug: 'start/remix',
    name: 'Remix 3',
    signIn: { form: '/auth' },
    pinned: ['remix@next', 'remix@3.0.0-beta.0'],
    typecheck: 'npm run typecheck',
  },
  { slug: 'start/remix-2', name: 'Remix 2', signIn: { form: '/' } },
  { slug: 'start/express', name: 'Express', signIn: 'curl' },
  { slug: 'start/fastify', name: 'Fastify', signIn: 'curl' },
  {
    slug: 'start/hono',
    name: 'Hono',
    signIn: 'curl',
    standIn: {
      template: 'hono',
      generator: 'npm create hono@latest shop -- --template nodejs --pm npm --install',
      command: 'cp -r template shop && cd shop && npm install',
    },
  },
]

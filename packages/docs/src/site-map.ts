export interface SitePage {
  /** The address on the site, without slashes around it. */
  readonly slug: string
  /** The source, from the root of the repository. */
  readonly file: string
  /** In the sidebar. Default: the title of the page. */
  readonly label?: string
}

export interface Group {
  readonly label: string
  readonly pages: readonly SitePage[]
}

function own(slug: string, label?: string): SitePage {
  const page = { slug, file: `packages/docs/pages/${slug}.md` }
  return label === undefined ? page : { ...page, label }
}

function repository(slug: string, file: string, label: string): SitePage {
  return { slug, file, label }
}

/** The packages with a page of reference from their docstrings, and their entries. */
export const entries = [
  { slug: 'api/core', title: '@coatcheck/core', file: 'packages/core/src/index.ts' },
  {
    slug: 'api/device-bound',
    title: '@coatcheck/core/device-bound',
    file: 'packages/core/src/device-bound.ts',
  },
  { slug: 'api/memory', title: '@coatcheck/core/memory', file: 'packages/core/src/memory.ts' },
  { slug: 'api/memcached', title: '@coatcheck/memcached', file: 'packages/memcached/src/index.ts' },
  {
    slug: 'api/inspect',
    title: '@coatcheck/memcached/inspect',
    file: 'packages/memcached/src/inspect.ts',
  },
  { slug: 'api/valkey', title: '@coatcheck/valkey', file: 'packages/valkey/src/index.ts' },
  {
    slug: 'api/remote',
    title: '@coatcheck/core/remote',
    file: 'packages/core/src/remote-stores.ts',
  },
  { slug: 'api/testing', title: '@coatcheck/testing', file: 'packages/testing/src/index.ts' },
] as const

export const home: SitePage = own('index', 'Coatcheck')

/** The sidebar, top down. */
export const groups: readonly Group[] = [
  {
    label: 'Start',
    pages: [
      own('start/first-program'),
      own('start/memcached', 'With memcached'),
      own('start/valkey', 'With Valkey or Redis'),
      own('start/next', 'Next.js'),
      own('start/sveltekit', 'SvelteKit'),
      own('start/react-router', 'React Router'),
      own('start/remix', 'Remix 3'),
      own('start/remix-2', 'Remix 2'),
      own('start/express', 'Express'),
      own('start/fastify', 'Fastify'),
      own('start/hono', 'Hono'),
      repository('start/servers', 'packages/examples/servers/README.md', 'Other servers'),
      own('start/transcripts', 'Every command'),
    ],
  },
  {
    label: 'Concepts',
    pages: [
      own('concepts/one-request'),
      own('concepts/ways-in'),
      own('concepts/data'),
      own('concepts/merging'),
      own('concepts/logout'),
      own('concepts/moves', 'A move of the token'),
      own('concepts/outages'),
      own('concepts/failures'),
    ],
  },
  {
    label: 'Recipes',
    pages: [
      own('recipes/flash'),
      own('recipes/devices', 'Devices, sign out everywhere'),
      own('recipes/remember-me'),
      own('recipes/cart'),
      own('recipes/append', 'A list that grows'),
      own('recipes/single-page-app', 'Single-page app'),
      own('recipes/csrf', 'CSRF'),
      own('recipes/schema', 'A schema'),
      own('recipes/changing-shape', 'Changing the data'),
      own('recipes/renaming-the-cookie'),
      own('recipes/streaming'),
      own('recipes/prefetch'),
      own('recipes/several-apps', 'Several apps'),
      own('recipes/cdn'),
      own('recipes/tests'),
      own('recipes/store-tests'),
    ],
  },
  {
    label: 'Troubleshooting',
    pages: [
      own('troubleshooting/cookie-not-set'),
      own('troubleshooting/signed-out'),
      own('troubleshooting/slow'),
    ],
  },
  {
    label: 'Operations',
    pages: [
      own('operations/doctor'),
      own('operations/sizing'),
      own('operations/alarms'),
      own('operations/events'),
      own('operations/scaling'),
      own('operations/deploys'),
      own('operations/outages'),
      own('operations/memcached', 'The memcached store'),
      own('operations/replicas', 'Replicas of Valkey'),
      repository('operations/services', 'packages/memcached/SERVICES.md', 'Services'),
      repository('operations/runtimes', 'packages/runtimes/RUNTIMES.md', 'Runtimes'),
    ],
  },
  {
    label: 'Security',
    pages: [
      own('security/review'),
      own('security/stolen-cookies'),
      own('security/dependencies'),
      repository('security/threats', 'packages/core/SECURITY.md', 'Threats and requirements'),
      repository('security/proof', 'packages/core/PROOF.md', 'What is proved, and how'),
    ],
  },
  {
    label: 'Migrating',
    pages: [
      own('migrating/express-session'),
      own('migrating/iron-session'),
      own('migrating/remix'),
      own('migrating/hono-session'),
      own('migrating/rack'),
    ],
  },
  {
    label: 'Packages',
    pages: [
      repository('packages/core', 'packages/core/README.md', 'core'),
      repository('packages/memcached', 'packages/memcached/README.md', 'memcached'),
      repository('packages/valkey', 'packages/valkey/README.md', 'valkey'),
      repository('packages/next', 'packages/next/GUIDE.md', 'next'),
      repository('packages/sveltekit', 'packages/sveltekit/GUIDE.md', 'sveltekit'),
      repository('packages/remix', 'packages/remix/GUIDE.md', 'remix'),
      repository('packages/node', 'packages/node/GUIDE.md', 'node'),
      repository('packages/hono', 'packages/hono/README.md', 'hono'),
      repository('packages/testing', 'packages/testing/README.md', 'testing'),
      repository('packages/opentelemetry', 'packages/opentelemetry/README.md', 'opentelemetry'),
      repository('packages/doctor', 'packages/doctor/README.md', 'coatcheck (doctor)'),
    ],
  },
  { label: 'About', pages: [own('comparison'), own('faq')] },
]

export const pages: readonly SitePage[] = [home, ...groups.flatMap((group) => group.pages)]

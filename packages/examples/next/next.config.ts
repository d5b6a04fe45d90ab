import type { NextConfig } from 'next'

export default {
  // In this repository our packages are TypeScript; installed from npm they are not.
  transpilePackages: [
    '@coatcheck/core',
    '@coatcheck/memcached',
    '@coatcheck/next',
    '@coatcheck/node',
    '@coatcheck/valkey',
  ],
  headers: async () => [
    { source: '/public', headers: [{ key: 'Cache-Control', value: 'public, max-age=60' }] },
  ],
} satisfies NextConfig

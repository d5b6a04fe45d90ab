import adapter from '@sveltejs/adapter-node'
import { sveltekit } from '@sveltejs/kit/vite'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [
    sveltekit({
      adapter: adapter(),
      // SvelteKit's check refuses curl, and needs to know at build time where the app will be. The hook
      // mayChange checks instead, by the host.
      csrf: { trustedOrigins: ['*'] },
    }),
  ],
})

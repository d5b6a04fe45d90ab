import adapter from '@sveltejs/adapter-node'
import { sveltekit } from '@sveltejs/kit/vite'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [
    sveltekit({
      adapter: adapter(),
      // SvelteKit's check refuses curl, and needs the app's origin at build time. The hook mayChange compares
      // hosts instead.
      csrf: { trustedOrigins: ['*'] },
    }),
  ],
})

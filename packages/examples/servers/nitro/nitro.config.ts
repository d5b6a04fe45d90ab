import { defineConfig } from 'nitro'

export default defineConfig({
  serverEntry: '../src/nitro.ts',
  output: { dir: 'dist' },
  compatibilityDate: '2026-09-01',
})

/** Imported directly, because the package root includes a client that no bundler drops. Its types lack this module. */
declare module 'memjs/lib/memjs/header.js' {
  import type { Header } from 'memjs'

  export function toBuffer(header: Header): Buffer
}

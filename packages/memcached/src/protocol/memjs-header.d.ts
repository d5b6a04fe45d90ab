/** The root of the package has a client as well, which no bundler leaves out. Its types do not name this module. */
declare module 'memjs/lib/memjs/header.js' {
  import type { Header } from 'memjs'

  export function toBuffer(header: Header): Buffer
}

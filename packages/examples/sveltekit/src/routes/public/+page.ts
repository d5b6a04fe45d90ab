import type { PageLoad } from './$types'

export const csr = false

export const load: PageLoad = ({ setHeaders }) => {
  setHeaders({ 'Cache-Control': 'public, max-age=60' })
}

export type { Endpoint } from './link/connection-options.ts'
export type { ServerStats, Stats } from './protocol/read-stats.ts'
export { inspectServers } from './store/inspect-servers.ts'
export type { ServerInspection } from './store/inspect-servers.ts'

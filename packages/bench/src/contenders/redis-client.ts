import { createClient } from 'redis'

/** Does not wait for a server that is down; the first command does. */
export async function openRedis(port: number) {
  const client = createClient({ socket: { host: '127.0.0.1', port } })
  client.on('error', () => {})
  await Promise.race([client.connect(), new Promise((resolve) => setTimeout(resolve, 500))])
  return client
}

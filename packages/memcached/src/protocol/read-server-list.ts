import { StoreError } from '@coatcheck/core/remote'
import type { Codec, Command, Reply } from '../link/command.ts'
import { Connection } from '../link/connection.ts'
import { readConnectionOptions } from '../link/connection-options.ts'
import type { ConnectionOptions } from '../link/connection-options.ts'
import { textError } from './text-error.ts'

/** The longest list that is read, in bytes. ElastiCache has at most 60 nodes in a cluster. */
const longest = 64 * 1024

/**
 * Reads the servers of a cluster, as `host:port`, from a configuration endpoint of ElastiCache or
 * Memorystore (`config get cluster`). Any address of the endpoint can be used.
 */
export async function readServerList(options: ConnectionOptions): Promise<readonly string[]> {
  const settings = readConnectionOptions({ ...options, proxy: true })
  const connection = new Connection({ ...settings, login: undefined }, lists)
  try {
    return await connection.submit(question)
  } finally {
    connection.close()
  }
}

interface ListReply extends Reply {
  readonly text: string
}

const question: Command<ListReply, readonly string[]> = {
  size: 20,
  tail: 0,
  write: (out, start) => start + out.write('config get cluster\r\n', start, 'latin1'),
  read: ({ text }) => parseList(text),
}

const lists: Codec<ListReply> = {
  parse(bytes, start) {
    const text = bytes.toString('latin1', start)
    if (text.startsWith('CONFIG cluster ')) {
      const end = text.indexOf('\r\nEND\r\n')
      if (end >= 0) return { text: text.slice(0, end), end: start + end + 7, opaque: undefined }
      if (text.length <= longest) return undefined
    } else if (!text.includes('\n') && text.length <= longest) return undefined
    const { message } = textError(bytes.subarray(start), false)
    const options = { sent: true, answered: true }
    throw new StoreError('config', `This is no configuration endpoint. ${message}`, options)
  },
  errorAtEnd: () => undefined,
}

/**
 * Parses a `CONFIG` line, the version of the list, and the nodes as `name|ip|port` separated by
 * spaces.
 */
function parseList(text: string): readonly string[] {
  const [, , nodes = ''] = text.split(/\r?\n/)
  const servers = nodes.split(' ').flatMap((node) => {
    const [name = '', ip = '', port] = node.split('|')
    if (port === undefined) return []
    const host = name === '' ? ip : name
    return [host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`]
  })
  if (servers.length > 0) return servers
  const message = 'The configuration endpoint lists no servers'
  throw new StoreError('config', message, { sent: true, answered: true })
}

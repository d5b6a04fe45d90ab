import type { Codec, Command, Reply } from '../link/command.ts'
import { Connection } from '../link/connection.ts'
import type { ConnectionSettings } from '../link/connection-options.ts'
import { textError } from './text-error.ts'

/**
 * Whether the server answers `version`, the oldest command. A proxy that knows only classic commands, such as
 * twemproxy, answers it, and closes the connection on every other command we send.
 */
export async function answersVersion(settings: ConnectionSettings): Promise<boolean> {
  const connection = new Connection({ ...settings, login: undefined }, lines)
  try {
    await connection.submit(question)
    return true
  } catch {
    return false
  } finally {
    connection.close()
  }
}

const question: Command<Reply, void> = {
  size: 9,
  tail: 0,
  write: (out, start) => start + out.write('version\r\n', start, 'latin1'),
  read() {},
}

const lines: Codec<Reply> = {
  parse(bytes, start) {
    const end = bytes.indexOf(0x0a, start) + 1
    if (end === 0) return undefined
    if (bytes.toString('latin1', start, start + 8) === 'VERSION ') return { end, opaque: undefined }
    throw textError(bytes.subarray(start, end), false)
  },
  errorAtEnd: () => undefined,
}

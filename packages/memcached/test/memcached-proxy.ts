import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { FakeServer } from './fake-server.ts'
import { startScripted } from './scripted-server.ts'

export interface ProxyOptions {
  /** Of the servers behind it. */
  readonly ports: readonly number[]
  /** Milliseconds that a server behind it has for an answer (`backend_read_timeout`). */
  readonly readTimeout: number
  /** With it only keys that begin with it have a route. */
  readonly prefix?: string
}

/**
 * Answers as memcached's built-in proxy does (1.6.23 and newer, `-o proxy_config`), which no package
 * of Debian has: text only, routed by key; `mn` and `version` by itself; "SERVER_ERROR backend failure"
 * for a server that is down or too slow; "SERVER_ERROR no set route" or the like without a route. As
 * there, answers keep the order of the commands.
 */
export interface MemcachedProxy extends FakeServer {
  readonly backendOf: (key: string) => number
  freeze(): void
  thaw(): void
}

export async function startMemcachedProxy(options: ProxyOptions): Promise<MemcachedProxy> {
  const { ports, readTimeout, prefix } = options
  let isFrozen = false
  const backendOf = (key: string) => createHash('md5').update(key).digest()[0]! % ports.length
  const lines = new WeakMap<Socket, Promise<void>>()

  const answerTo = async (line: string, value: string): Promise<string> => {
    const [command, key = ''] = line.split(' ')
    if (command === 'mn') return 'MN\r\n'
    if (command === 'version') return 'VERSION 1.6.45\r\n'
    if (prefix !== undefined && !key.startsWith(prefix))
      return `SERVER_ERROR no ${command} route\r\n`
    const request = /^(ms|set|cas) /.test(line) ? `${line}\r\n${value}\r\n` : `${line}\r\n`
    return ask(ports[backendOf(key)]!, request, readTimeout)
  }
  const server = await startScripted({
    text(line, socket, value) {
      if (isFrozen) return
      const answer = answerTo(line, value)
      const before = lines.get(socket) ?? Promise.resolve()
      lines.set(
        socket,
        before.then(async () => void socket.write(await answer, 'latin1')),
      )
    },
  })
  return {
    ...server,
    backendOf,
    freeze: () => (isFrozen = true),
    thaw: () => (isFrozen = false),
  }
}

/** The answer of one server to one command. */
function ask(port: number, request: string, readTimeout: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    const end = (answer: string) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    const fail = () => end('SERVER_ERROR backend failure\r\n')
    const timer = setTimeout(fail, readTimeout)
    let text = ''
    socket.on('error', fail).on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      const [, size] = /^VA (\d+)/.exec(text) ?? []
      const length = text.indexOf('\r\n') + 2 + (size === undefined ? 0 : Number(size) + 2)
      if (length > 1 && text.length >= length) end(text)
    })
    socket.write(request, 'latin1')
  })
}

import { fstatSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Marks this harness's own meta command, which is not counted. */
export const ownMark = 'Oharness'

export interface LoggedCommands {
  readonly total: number
  readonly guards: number
}

/** An `mg` with no flag but its number reads nothing. */
const guard = /^\S+ O\d+\s/

/**
 * memcached's log, in a file that is deleted while open, so that nothing remains after the process.
 */
export function openLog(): { descriptor: number; commands(): LoggedCommands; tail(): string } {
  const folder = mkdtempSync(join(tmpdir(), 'memcached-'))
  const descriptor = openSync(join(folder, 'log'), 'a+')
  rmSync(folder, { recursive: true })

  const mark = new RegExp(`Read binary protocol data:|<\\d+ (?:m[gsda]|cas) (?!.* ${ownMark})`, 'g')
  let position = 0
  let total = 0
  let guards = 0
  let rest = ''
  const read = (from: number) => {
    const bytes = Buffer.alloc(fstatSync(descriptor).size - from)
    return bytes.toString('latin1', 0, readSync(descriptor, bytes, 0, bytes.length, from))
  }
  return {
    descriptor,
    commands() {
      const text = rest + read(position)
      position += text.length - rest.length
      // The last line may be incomplete; it is parsed once the rest has arrived.
      const end = text.lastIndexOf('\n') + 1
      for (const { 0: found, index } of text.slice(0, end).matchAll(mark)) {
        if (found.endsWith(' mg ') && guard.test(text.slice(index + found.length, end))) guards++
        else total++
      }
      rest = text.slice(end)
      return { total, guards }
    },
    tail: () => read(0).trim().split('\n').slice(-3).join(' '),
  }
}

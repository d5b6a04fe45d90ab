import { fstatSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Marks the meta command of this harness, which is not counted. */
export const ownMark = 'Oharness'

/** memcached's log, in a file that is deleted while open: nothing remains after the process. */
export function openLog(): { descriptor: number; commands(): number; tail(): string } {
  const folder = mkdtempSync(join(tmpdir(), 'memcached-'))
  const descriptor = openSync(join(folder, 'log'), 'a+')
  rmSync(folder, { recursive: true })

  const mark = new RegExp(`Read binary protocol data:|<\\d+ (?:m[gsda]|cas) (?!.* ${ownMark})`, 'g')
  let position = 0
  let total = 0
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
      const matches = [...text.matchAll(mark)]
      total += matches.length
      // A mark can be half written: keep the end of the text, without what was counted.
      const last = matches.at(-1)
      const counted = last === undefined ? 0 : last.index + last[0].length
      rest = text.slice(Math.max(counted, text.length - 40))
      return total
    },
    tail: () => read(0).trim().split('\n').slice(-3).join(' '),
  }
}

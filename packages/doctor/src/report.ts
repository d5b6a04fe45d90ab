import type { BenchResult } from './bench.ts'
import type { Diagnosis } from './diagnose.ts'
import type { Finding, Level } from './finding.ts'
import { grouped, milliseconds } from './numbers.ts'

const widthOfLevel = 'warning'.length
const widthOfCheck = 'connections'.length

/** A diagnosis as lines for people. */
export function describeDiagnosis({ servers, together, level }: Diagnosis): string {
  const blocks = servers.map(({ server, findings }) => [server, ...findings.flatMap(linesOf)])
  if (together.length > 0) blocks.push(['All servers', ...together.flatMap(linesOf)])
  const all = [...servers.flatMap(({ findings }) => findings), ...together]
  const lines = blocks.map((block) => block.join('\n'))
  return `${[...lines, conclude(level, all)].join('\n\n')}\n`
}

function linesOf({ level, check, what, todo }: Finding): readonly string[] {
  const head = `  ${level.padEnd(widthOfLevel)}  ${check.padEnd(widthOfCheck)}  `
  const line = `${head}${printable(what)}`
  return todo === null ? [line] : [line, `${' '.repeat(head.length)}-> ${printable(todo)}`]
}

/** A finding may quote what a server says of itself, and a terminal would obey it. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '?')
}

function conclude(level: Level, findings: readonly Finding[]): string {
  const count = (of: Level): string => {
    const { length } = findings.filter((finding) => finding.level === of)
    return `${length} ${of}${length === 1 ? '' : 's'}`
  }
  if (level === 'ok') return 'Nothing to do.'
  return `${count('fault')}, ${count('warning')}, ${count('note')}.`
}

/** The result of a benchmark as lines for people. */
export function describeBench(result: BenchResult): string {
  const { sessions, bytes, concurrency, timings, left } = result
  const head = `${grouped(sessions)} records of ${grouped(bytes)} bytes, ${concurrency} commands at a time`
  const names = ['command', 'a second', 'median', '99 %', 'longest', 'failed']
  const rows = timings.map(({ command, perSecond, median, p99, longest, failed }) => [
    command,
    grouped(perSecond),
    milliseconds(median),
    milliseconds(p99),
    milliseconds(longest),
    String(failed),
  ])
  const lines = [names, ...rows].map((cells) =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(10) : cell.padStart(12)))
      .join('')
      .trimEnd(),
  )
  const rest =
    left === 0
      ? 'All records were deleted.'
      : `${grouped(left)} records were not deleted; they expire within a minute.`
  return `${[head, '', ...lines, '', rest].join('\n')}\n`
}

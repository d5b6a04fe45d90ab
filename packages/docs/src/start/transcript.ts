import type { StartPage } from './start-pages.ts'
import type { Paste, Step } from './steps.ts'

/** A page of the table, and what a reader of it does. */
export interface Transcribed {
  readonly page: StartPage
  readonly steps: readonly Step[]
}

/** Seconds that a machine took, by the address of the page. */
export type Seconds = Readonly<Record<string, number>>

const head = `# Every command, from an empty folder

What you type to get to a working sign-in, page by page. A program writes this page from the pages that it names, and a test
does what it says: it makes the application, pastes the files, starts the server, signs in over HTTP, reads the session again, and
signs out.

The table counts the commands to type and the files to paste. The seconds are those of a machine, downloads included, and only for
information.
`

/** The page with all transcripts. */
export function writeTranscripts(all: readonly Transcribed[], seconds: Seconds): string {
  const rows = all.map(({ page, steps }) => {
    const files = pastesOf(steps)
    const lines = files.reduce((sum, { code }) => sum + linesOf(code), 0)
    const cells = [
      `[${page.name}](${fileOf(page)})`,
      countOf(steps),
      files.length,
      lines,
      seconds[page.slug] ?? '–',
    ]
    return `| ${cells.join(' | ')} |`
  })
  const table = ['| page | typed | files | lines | seconds |', '|---|---|---|---|---|', ...rows]
  return (
    [head, table.join('\n'), ...all.map(writeTranscript)].join('\n\n').replace(/\n{3,}/g, '\n\n') +
    '\n'
  )
}

function writeTranscript({ page, steps }: Transcribed): string {
  const begin =
    page.after === undefined ? '' : 'It continues in the folder of the previous page.\n\n'
  const lines = steps.flatMap((step) =>
    step.kind === 'paste'
      ? [`# ${step.isAdded ? 'at the top of' : 'paste'} ${step.path}, ${linesOf(step.code)} lines`]
      : [`$ ${step.command}`, ...(step.prints === null ? [] : [step.prints])],
  )
  return `## ${page.name}\n\n${begin}\`\`\`console\n${lines.join('\n')}\n\`\`\``
}

/** `start/next` lies beside this page. */
function fileOf({ slug }: StartPage): string {
  return `${slug.replace('start/', '')}.md`
}

function countOf(steps: readonly Step[]): number {
  return steps.filter(({ kind }) => kind === 'command').length
}

function pastesOf(steps: readonly Step[]): readonly Paste[] {
  return steps.filter((step) => step.kind === 'paste')
}

function linesOf(code: string): number {
  return code.trimEnd().split('\n').length
}

/** The seconds in the table of a page that was written. */
export function readSeconds(text: string, pages: readonly StartPage[]): Seconds {
  const found = pages.flatMap((page) => {
    const row = text.split('\n').find((line) => line.startsWith(`| [${page.name}](`))
    const seconds = /\| (\d+) \|$/.exec(row ?? '')?.[1]
    return seconds === undefined ? [] : [[page.slug, Number(seconds)] as const]
  })
  return Object.fromEntries(found)
}

/** A part of a page of Markdown: text, or a code block. */
export type Part =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'code'
      readonly language: string
      readonly code: string
      /** The file of the repository whose program this is a copy of: ```` ```ts from README.md ````. */
      readonly from: string | null
    }

/** Splits a page at its fences. Indented fences, as in lists, are part of the text. */
export function splitParts(page: string): readonly Part[] {
  const parts: Part[] = []
  let end = 0
  for (const match of page.matchAll(/^```(\w*)(?: from (\S+))?[^\n]*\n([\s\S]*?)^```$/gm)) {
    parts.push({ kind: 'text', text: page.slice(end, match.index) })
    const [, language = '', from = null, code = ''] = match
    parts.push({ kind: 'code', language, code, from })
    end = match.index + match[0].length
  }
  return [...parts, { kind: 'text', text: page.slice(end) }]
}

/** The path in the first line of a program: `// app/actions.ts`. */
export function pathOf(code: string): string | undefined {
  return /^(?:\/\/|<!--) ([\w./+-]+\.\w+)/.exec(code)?.[1]
}

/** The program of a page that begins with a path. */
export function findProgram(page: string, path: string): Part & { readonly kind: 'code' } {
  const found = splitParts(page).find((part) => part.kind === 'code' && pathOf(part.code) === path)
  if (found?.kind !== 'code') throw new Error(`There is no program ${path} on the page`)
  return found
}

/** The page with its copies as the programs are now. */
export function withPrograms(page: string, read: (file: string) => string): string {
  return page.replaceAll(
    /^```\w* from (\S+)\n([\s\S]*?)^```$/gm,
    (_, file: string, code: string) => {
      const path = pathOf(code)
      if (path === undefined) throw new Error(`A copy of ${file} does not begin with a path`)
      const program = findProgram(read(file), path)
      return `\`\`\`${program.language} from ${file}\n${program.code}\`\`\``
    },
  )
}

/** The text of the first heading. */
export function titleOf(page: string): string {
  const title = /^# (.*)$/m.exec(page)?.[1]
  if (title === undefined) throw new Error('A page begins with a heading: # Title')
  return title.replaceAll('`', '')
}

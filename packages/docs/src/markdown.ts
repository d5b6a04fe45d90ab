/** A part of a page of Markdown: text, or a code block. */
export type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'code'; readonly language: string; readonly code: string }

/** Splits a page at its fences. Indented fences, as in lists, are part of the text. */
export function splitParts(page: string): readonly Part[] {
  const parts: Part[] = []
  let end = 0
  for (const match of page.matchAll(/^```(\w*)[^\n]*\n([\s\S]*?)^```$/gm)) {
    parts.push({ kind: 'text', text: page.slice(end, match.index) })
    parts.push({ kind: 'code', language: match[1] as string, code: match[2] as string })
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

/** The text of the first heading. */
export function titleOf(page: string): string {
  const title = /^# (.*)$/m.exec(page)?.[1]
  if (title === undefined) throw new Error('A page begins with a heading: # Title')
  return title.replaceAll('`', '')
}

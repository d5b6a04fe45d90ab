import { dirname, join } from 'node:path'
import { splitParts, titleOf } from './markdown.ts'
import type { Part } from './markdown.ts'
import { drawSequence } from './sequence.ts'
import type { SitePage } from './site-map.ts'

export interface Surroundings {
  readonly pages: readonly SitePage[]
  /** `/`, or the folder of the host that the site lies in, with slashes around it. */
  readonly base: string
  /** The text of a file of the repository. */
  readonly read: (file: string) => string
  readonly isFolder: (file: string) => boolean
}

export const repository = 'https://github.com/coatcheck/coatcheck'

/**
 * Makes what the site's generator reads of a page as GitHub shows it: the heading becomes the title, links between
 * files become addresses, and drawings are drawn.
 */
export function toSitePage({ file }: SitePage, around: Surroundings): string {
  const page = around.read(file)
  const body = splitParts(page.replace(/^# .*\n+/m, '')).map((part) =>
    part.kind === 'code' ? showCode(part) : linkText(part.text, file, around),
  )
  const fields = {
    title: titleOf(page),
    description: describe(page),
    editUrl: `${repository}/edit/main/${file}`,
  }
  const front = Object.entries(fields).map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
  return `---\n${front.join('\n')}\n---\n\n${body.join('')}`
}

/** The first paragraph, without marks, for search engines. */
function describe(page: string): string {
  const text = page.replace(/^# .*$/m, '')
  const paragraph = text.split(/\n\s*\n/).find((block) => /^[A-Z`*@[]/.test(block.trim())) ?? ''
  const plain = paragraph
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/[`*]/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
  return plain.length <= 160 ? plain : `${plain.slice(0, plain.lastIndexOf(' ', 157))}…`
}

function showCode({ language, code }: Part & { kind: 'code' }): string {
  if (language === 'sequence')
    return `<figure class="drawing" tabindex="0">${drawSequence(code)}</figure>`
  return `\`\`\`${language}\n${code}\`\`\``
}

function linkText(text: string, file: string, around: Surroundings): string {
  return text.replaceAll(
    /\]\(([^)\s]+)\)/g,
    (_, target: string) => `](${address(target, file, around)})`,
  )
}

/** Where a link of a page leads on the site: to a page, or to the file on GitHub. */
export function address(target: string, file: string, around: Surroundings): string {
  const inRepository = new RegExp(`^${repository}/(?:blob|tree)/main/`)
  if (target.startsWith('#') || (/^\w+:/.test(target) && !inRepository.test(target))) return target
  const [path = '', anchor] = target.replace(inRepository, '/').split('#')
  const found = path.startsWith('/') ? path.slice(1) : join(dirname(file), path)
  const hash = anchor === undefined ? '' : `#${anchor}`
  const page = around.pages.find((other) => other.file === found)
  if (page !== undefined)
    return `${around.base}${page.slug === 'index' ? '' : `${page.slug}/`}${hash}`
  return `${repository}/${around.isFolder(found) ? 'tree' : 'blob'}/main/${found}${hash}`
}

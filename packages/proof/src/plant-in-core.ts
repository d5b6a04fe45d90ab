import { registerHooks } from 'node:module'
import type { Edit } from './planted-fault.ts'

/** At the end of the address of a module that is to have no fault. */
const sound = '?sound'

/**
 * Lets every module of the core that is imported from now on have the edits in its text. The files stay as
 * they are. Throws, while importing, when a passage is not there exactly once: then the core has been
 * rewritten, and the fault is to be planted anew. What reads the records for the laws gets the core as it is.
 */
export function plantInCore(edits: readonly Edit[]): void {
  plantIn('core', edits)
}

/** The same for a package of another name. */
export function plantIn(name: string, edits: readonly Edit[]): void {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const found = nextResolve(specifier, context)
      const { parentURL = '' } = context
      const isForLaws = parentURL.endsWith('/proof/src/reader.ts') || parentURL.endsWith(sound)
      return isForLaws && found.url.includes('/core/src/')
        ? { ...found, url: `${found.url}${sound}` }
        : found
    },
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      const own = edits.filter(({ file }) => url.endsWith(`/${name}/src/${file}`))
      if (own.length === 0) return loaded
      const source = own.reduce(editText, String(asText(loaded.source)))
      return { ...loaded, source }
    },
  })
}

function asText(source: unknown): string {
  return typeof source === 'string' ? source : new TextDecoder().decode(source as Uint8Array)
}

function editText(text: string, { file, find, put }: Edit): string {
  const parts = text.split(find)
  if (parts.length === 2) return parts.join(put)
  throw new Error(
    `${file} has ${parts.length - 1} times the passage to be replaced: ${String(find)}`,
  )
}

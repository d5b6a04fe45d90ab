import { registerHooks } from 'node:module'
import type { Edit } from './planted-fault.ts'

/** A suffix of the address of modules that stay without the fault. */
const sound = '?sound'

/**
 * Applies the edits to the source of every core module imported from now on. The files are not changed. An import
 * throws if a passage does not occur exactly once: then the core has changed, and the fault must be adapted. The code
 * that reads records for the laws gets the unchanged core.
 */
export function plantInCore(edits: readonly Edit[]): void {
  plantIn('core', edits)
}

/** The same for another package. */
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

/** The part of a package.json that says what a package on npm has. */
export interface Packed {
  readonly publishConfig?: Readonly<Record<string, unknown>>
}

/** Why a tool may not pack; `null`: it may. pnpm alone puts `publishConfig` into the package.json that it packs. */
export function refusalOf(userAgent: string | undefined): string | null {
  if (userAgent?.startsWith('pnpm/')) return null
  return 'Pack and publish with pnpm: other tools ignore publishConfig, and the package would point to its sources'
}

/** The files of the build that the published package.json names. */
export function filesPromised({ publishConfig = {} }: Packed): readonly string[] {
  const files: string[] = []
  const collect = (value: unknown): void => {
    if (typeof value === 'string' && value.startsWith('./dist/')) files.push(value)
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(collect)
  }
  collect(publishConfig)
  return files
}

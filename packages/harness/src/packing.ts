/** The part of a package.json that describes the published package. */
export interface Packed {
  readonly publishConfig?: Readonly<Record<string, unknown>>
}

/** Why a tool may not pack; `null` if it may. Only pnpm applies `publishConfig` to the package.json that it packs. */
export function refusalOf(userAgent: string | undefined): string | null {
  if (userAgent?.startsWith('pnpm/')) return null
  return 'Pack and publish with pnpm: other tools ignore publishConfig, and the package would point to its sources'
}

/** The build files named in the published package.json. */
export function filesPromised({ publishConfig = {} }: Packed): readonly string[] {
  const files: string[] = []
  const collect = (value: unknown): void => {
    if (typeof value === 'string' && value.startsWith('./dist/')) files.push(value)
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(collect)
  }
  collect(publishConfig)
  return files
}

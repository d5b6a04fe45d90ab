/** A browser's cookies of one site, as `name=value; name=value`. */
export function takeCookies(
  jar: string | undefined,
  setCookies: readonly string[],
): string | undefined {
  if (setCookies.length === 0) return jar
  const cookies = new Map<string, string>()
  for (const pair of jar?.split('; ') ?? []) keep(cookies, pair)
  for (const line of setCookies) {
    const [pair = '', ...attributes] = line.split(/; ?/)
    if (attributes.some(endsIt)) cookies.delete(nameOf(pair))
    else keep(cookies, pair)
  }
  if (cookies.size === 0) return undefined
  return [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
}

function keep(cookies: Map<string, string>, pair: string): void {
  const name = nameOf(pair)
  cookies.set(name, pair.slice(name.length + 1))
}

const nameOf = (pair: string): string => pair.slice(0, pair.indexOf('='))

function endsIt(attribute: string): boolean {
  const [name = '', value = ''] = attribute.split('=')
  if (/^max-age$/i.test(name)) return Number(value) <= 0
  return /^expires$/i.test(name) && Date.parse(value) <= Date.now()
}

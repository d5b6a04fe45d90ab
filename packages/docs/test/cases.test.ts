import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { pathOf, splitParts } from '../src/markdown.ts'
import { pages } from '../src/site-map.ts'
import { root } from './snippets.ts'

const files = ['README.md', ...new Set(pages.map(({ file }) => file))]
const shown = files.map((file) => ({
  file,
  parts: splitParts(readFileSync(join(root, file), 'utf8')),
}))

/** What signs a visitor in by the data alone: `data.user = …`, `session.set('userId', …)`. */
const loginByData = /data(?:\.user(?:Id)?|\['user(?:Id)?'\]) = |\.set\('user(?:Id)?'/
const isLogin = (code: string): boolean => loginByData.test(code)
const signsIn = (code: string): boolean => /signIn\(/.test(code)

describe('H3: every login that a page shows', () => {
  const logins = shown.flatMap(({ file, parts }) =>
    parts.flatMap((part) =>
      part.kind === 'code' && isLogin(part.code) ? [{ file, code: part.code }] : [],
    ),
  )

  it('calls signIn, so that "sign out everywhere" finds it, or says what to do in its place', () => {
    const without = logins.filter(({ code }) => !signsIn(code) && !code.includes('authKeys'))
    expect(without).toEqual([])
  })

  it('is among what is looked at', () => {
    const all = shown.flatMap(({ parts }) =>
      parts.flatMap((part) => ('code' in part ? part.code : [])),
    )
    expect(all.filter(signsIn).length).toBeGreaterThan(5)
    expect(isLogin("session.data['user'] = user") && isLogin('data.user = name')).toBe(true)
    expect(isLogin('if (data.user === name)') || isLogin("const user = data['user']")).toBe(false)
  })
})

describe('H5: a program that is run by node', () => {
  /** It says how to answer, and nothing calls it. */
  const isHandlerAlone = (code: string): boolean =>
    /^export default \{ ?fetch/m.test(code) && !/\b(?:serve|createServer|listen)\(/.test(code)

  const programs = shown.flatMap(({ file, parts }) => {
    const text = parts.map((part) => (part.kind === 'code' ? part.code : part.text)).join('\n')
    return parts.flatMap((part) => {
      const path = part.kind === 'code' ? pathOf(part.code) : undefined
      if (part.kind !== 'code' || path === undefined) return []
      const isRun = text.includes(`node ${path}`)
      return isRun ? [{ file, path, code: part.code }] : []
    })
  })

  it('starts a server, and does not only export a handler', () => {
    expect(programs.length).toBeGreaterThan(1)
    expect(programs.filter(({ code }) => isHandlerAlone(code))).toEqual([])
    expect(isHandlerAlone('export default { fetch }\n')).toBe(true)
  })
})

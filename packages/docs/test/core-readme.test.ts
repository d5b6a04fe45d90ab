import { SessionError } from '@coatcheck/core'
import type { SessionErrorCode } from '@coatcheck/core'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { root } from './snippets.ts'

const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const readme = read('packages/core/README.md')
const report = read('packages/docs/api/core.txt')

/** The text under a heading. */
function section(page: string, heading: string): string {
  const [, text = ''] = page.split(`\n## ${heading}\n`)
  return text.split('\n## ')[0] as string
}

/** A declaration of the report of the public surface, which a test compares with the code. */
function declared(name: string): string {
  const [, text = ''] = report.split(`\n// ${name}\n`)
  return text.split('\n// ')[0] as string
}

function membersOf(name: string): readonly string[] {
  return [...declared(name).matchAll(/^ {4}readonly (\w+)\??:/gm)].map(([, member = '']) => member)
}

/** Of a type that is a choice of texts. */
function textsOf(name: string): readonly string[] {
  return [...declared(name).matchAll(/'([\w-]+)'/g)].map(([, text = '']) => text)
}

/** The names in backticks in the first cells of a table, without what stands before a point and in brackets. */
function firstCells(text: string): readonly string[] {
  const cells = text.split('\n').map((line) => /^\| (.+?) \|/.exec(line)?.[1] ?? '')
  return cells.flatMap((cell) => [...cell.matchAll(/`([\w.-]+)/g)].map(([, name = '']) => name))
}

it("the core's README has every member of a session", () => {
  const shown = firstCells(section(readme, 'The session'))
  const members = membersOf('Session').map((member) => `session.${member}`)
  expect(members.length).toBeGreaterThan(15)
  expect(members.filter((member) => !shown.includes(member))).toEqual([])
})

it("the core's README has every state, every outcome, and no other", () => {
  const states = textsOf('SessionState')
  const row = section(readme, 'The session')
    .split('\n')
    .find((line) => line.startsWith('| `session.state`'))
  expect(states.filter((state) => !row?.includes(`\`${state}\``))).toEqual([])
  const outcomes = firstCells(section(readme, 'Outcomes and failures'))
  expect(outcomes.toSorted()).toEqual(textsOf('Outcome').toSorted())
})

it("the core's README has every option", () => {
  const shown = firstCells(section(readme, 'Options'))
  // In the report the schema is a second form of createSessions.
  const options = [...membersOf('SessionsOptions'), 'schema']
  expect(options.length).toBeGreaterThan(15)
  expect(options.filter((option) => !shown.includes(option))).toEqual([])
})

it('the page on failures has every code of an error, with its status', () => {
  const page = section(read('packages/docs/pages/concepts/failures.md'), 'Errors')
  const rows = page.split('\n').filter((line) => line.startsWith('| `'))
  const codes = textsOf('SessionErrorCode') as readonly SessionErrorCode[]
  expect(codes.length).toBeGreaterThan(10)
  for (const code of codes) {
    const row = rows.find((line) => line.includes(`\`${code}\``))
    expect(row?.split(' | ')[1], code).toBe(`${new SessionError(code, 'x').status}`)
  }
})

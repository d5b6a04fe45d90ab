import { describe, expect, it } from 'vitest'
import { nextStep } from './next-step.ts'
import type { Found, Intent } from './next-step.ts'

/** A commit's whole table: found, intent, changed, and what is to be done. */
const table: [found: Found, intent: Intent, changed: boolean, step: string][] = [
  ['nothing', 'keep', false, 'nothing: unchanged'],
  ['nothing', 'keep', true, 'create'],
  ['nothing', 'renew', false, 'nothing: unchanged'],
  ['nothing', 'renew', true, 'create'],
  ['nothing', 'destroy', false, 'nothing: unchanged'],
  ['nothing', 'destroy', true, 'nothing: unchanged'],
  ['nothing', 'discard', false, 'nothing: discarded'],
  ['nothing', 'discard', true, 'nothing: discarded'],
  ['live', 'keep', false, 'nothing: unchanged'],
  ['live', 'keep', true, 'save'],
  ['live', 'renew', false, 'renew'],
  ['live', 'renew', true, 'renew'],
  ['live', 'destroy', false, 'destroy'],
  ['live', 'destroy', true, 'destroy'],
  ['live', 'discard', false, 'nothing: discarded'],
  ['live', 'discard', true, 'nothing: discarded'],
  ['unreadable', 'keep', false, 'nothing: unchanged'],
  ['unreadable', 'keep', true, 'create'],
  ['unreadable', 'renew', false, 'nothing: unchanged'],
  ['unreadable', 'renew', true, 'create'],
  ['unreadable', 'destroy', false, 'destroy'],
  ['unreadable', 'destroy', true, 'destroy'],
  ['unreadable', 'discard', false, 'nothing: discarded'],
  ['unreadable', 'discard', true, 'nothing: discarded'],
  ['unavailable', 'keep', false, 'nothing: unchanged'],
  ['unavailable', 'keep', true, 'nothing: unavailable'],
  ['unavailable', 'renew', false, 'nothing: unavailable'],
  ['unavailable', 'renew', true, 'nothing: unavailable'],
  ['unavailable', 'destroy', false, 'destroy'],
  ['unavailable', 'destroy', true, 'destroy'],
  ['unavailable', 'discard', false, 'nothing: discarded'],
  ['unavailable', 'discard', true, 'nothing: discarded'],
]

function stepOf(found: Found, intent: Intent, changed: boolean): string {
  const step = nextStep(found, intent, changed)
  return step.do === 'nothing' ? `nothing: ${step.outcome}` : step.do
}

describe('nextStep', () => {
  it.each(table)('%s, %s, changed %s: %s', (found, intent, changed, step) => {
    expect(stepOf(found, intent, changed)).toBe(step)
  })

  it('has an answer to every combination, and the table above has them all', () => {
    const combinations = table.map(([found, intent, changed]) => `${found} ${intent} ${changed}`)
    expect(new Set(combinations).size).toBe(4 * 4 * 2)
  })

  it('S17: touches the store for nothing that nobody changed or asked for', () => {
    const idle = table.filter(([, intent, changed]) => intent === 'keep' && !changed)
    expect(idle).toHaveLength(4)
    for (const [found] of idle) expect(stepOf(found, 'keep', false)).toBe('nothing: unchanged')
  })

  it('rule 2: neither creates nor saves nor renews while the store is away', () => {
    const steps = table.filter(([found]) => found === 'unavailable').map(([, , , step]) => step)
    expect(steps.filter((step) => ['create', 'save', 'renew'].includes(step))).toEqual([])
  })

  it('CVE-2025-46336: saves only what was found live', () => {
    const saved = table.filter(([, , , step]) => step === 'save' || step === 'renew')
    expect(saved.map(([found]) => found)).toEqual(['live', 'live', 'live'])
  })
})

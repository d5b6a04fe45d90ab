import { describe, expect, it } from 'vitest'
import { failureOf, movesToken, nextStep } from './next-step.ts'
import type { Asked, Intent, LoadState, Outcome } from './next-step.ts'

/** A commit's whole table: found, intent, changed, due, and what is to be done. */
const table: [found: LoadState, intent: Intent, changed: boolean, due: boolean, step: string][] = [
  ['nothing', 'keep', false, false, 'nothing: unchanged'],
  ['nothing', 'keep', false, true, 'nothing: unchanged'],
  ['nothing', 'keep', true, false, 'create'],
  ['nothing', 'keep', true, true, 'create'],
  ['nothing', 'renew', false, false, 'nothing: unchanged'],
  ['nothing', 'renew', false, true, 'nothing: unchanged'],
  ['nothing', 'renew', true, false, 'create'],
  ['nothing', 'renew', true, true, 'create'],
  ['nothing', 'sign-in', false, false, 'create'],
  ['nothing', 'sign-in', false, true, 'create'],
  ['nothing', 'sign-in', true, false, 'create'],
  ['nothing', 'sign-in', true, true, 'create'],
  ['nothing', 'destroy', false, false, 'nothing: unchanged'],
  ['nothing', 'destroy', false, true, 'nothing: unchanged'],
  ['nothing', 'destroy', true, false, 'nothing: unchanged'],
  ['nothing', 'destroy', true, true, 'nothing: unchanged'],
  ['nothing', 'discard', false, false, 'nothing: discarded'],
  ['nothing', 'discard', false, true, 'nothing: discarded'],
  ['nothing', 'discard', true, false, 'nothing: discarded'],
  ['nothing', 'discard', true, true, 'nothing: discarded'],
  ['live', 'keep', false, false, 'nothing: unchanged'],
  ['live', 'keep', false, true, 'rotate'],
  ['live', 'keep', true, false, 'save'],
  ['live', 'keep', true, true, 'rotate'],
  ['live', 'renew', false, false, 'renew'],
  ['live', 'renew', false, true, 'renew'],
  ['live', 'renew', true, false, 'renew'],
  ['live', 'renew', true, true, 'renew'],
  ['live', 'sign-in', false, false, 'sign-in'],
  ['live', 'sign-in', false, true, 'sign-in'],
  ['live', 'sign-in', true, false, 'sign-in'],
  ['live', 'sign-in', true, true, 'sign-in'],
  ['live', 'destroy', false, false, 'destroy'],
  ['live', 'destroy', false, true, 'destroy'],
  ['live', 'destroy', true, false, 'destroy'],
  ['live', 'destroy', true, true, 'destroy'],
  ['live', 'discard', false, false, 'nothing: discarded'],
  ['live', 'discard', false, true, 'nothing: discarded'],
  ['live', 'discard', true, false, 'nothing: discarded'],
  ['live', 'discard', true, true, 'nothing: discarded'],
  ['unproven', 'keep', false, false, 'nothing: unchanged'],
  ['unproven', 'keep', false, true, 'nothing: unchanged'],
  ['unproven', 'keep', true, false, 'nothing: unproven'],
  ['unproven', 'keep', true, true, 'nothing: unproven'],
  ['unproven', 'renew', false, false, 'nothing: unproven'],
  ['unproven', 'renew', false, true, 'nothing: unproven'],
  ['unproven', 'renew', true, false, 'nothing: unproven'],
  ['unproven', 'renew', true, true, 'nothing: unproven'],
  ['unproven', 'sign-in', false, false, 'create'],
  ['unproven', 'sign-in', false, true, 'create'],
  ['unproven', 'sign-in', true, false, 'create'],
  ['unproven', 'sign-in', true, true, 'create'],
  ['unproven', 'destroy', false, false, 'destroy'],
  ['unproven', 'destroy', false, true, 'destroy'],
  ['unproven', 'destroy', true, false, 'destroy'],
  ['unproven', 'destroy', true, true, 'destroy'],
  ['unproven', 'discard', false, false, 'nothing: discarded'],
  ['unproven', 'discard', false, true, 'nothing: discarded'],
  ['unproven', 'discard', true, false, 'nothing: discarded'],
  ['unproven', 'discard', true, true, 'nothing: discarded'],
  ['unknown-secret', 'keep', false, false, 'nothing: unchanged'],
  ['unknown-secret', 'keep', false, true, 'nothing: unchanged'],
  ['unknown-secret', 'keep', true, false, 'nothing: unavailable'],
  ['unknown-secret', 'keep', true, true, 'nothing: unavailable'],
  ['unknown-secret', 'renew', false, false, 'nothing: unavailable'],
  ['unknown-secret', 'renew', false, true, 'nothing: unavailable'],
  ['unknown-secret', 'renew', true, false, 'create'],
  ['unknown-secret', 'renew', true, true, 'create'],
  ['unknown-secret', 'sign-in', false, false, 'create'],
  ['unknown-secret', 'sign-in', false, true, 'create'],
  ['unknown-secret', 'sign-in', true, false, 'create'],
  ['unknown-secret', 'sign-in', true, true, 'create'],
  ['unknown-secret', 'destroy', false, false, 'destroy'],
  ['unknown-secret', 'destroy', false, true, 'destroy'],
  ['unknown-secret', 'destroy', true, false, 'destroy'],
  ['unknown-secret', 'destroy', true, true, 'destroy'],
  ['unknown-secret', 'discard', false, false, 'nothing: discarded'],
  ['unknown-secret', 'discard', false, true, 'nothing: discarded'],
  ['unknown-secret', 'discard', true, false, 'nothing: discarded'],
  ['unknown-secret', 'discard', true, true, 'nothing: discarded'],
  ['unreadable', 'keep', false, false, 'nothing: unchanged'],
  ['unreadable', 'keep', false, true, 'nothing: unchanged'],
  ['unreadable', 'keep', true, false, 'create'],
  ['unreadable', 'keep', true, true, 'create'],
  ['unreadable', 'renew', false, false, 'nothing: unchanged'],
  ['unreadable', 'renew', false, true, 'nothing: unchanged'],
  ['unreadable', 'renew', true, false, 'create'],
  ['unreadable', 'renew', true, true, 'create'],
  ['unreadable', 'sign-in', false, false, 'create'],
  ['unreadable', 'sign-in', false, true, 'create'],
  ['unreadable', 'sign-in', true, false, 'create'],
  ['unreadable', 'sign-in', true, true, 'create'],
  ['unreadable', 'destroy', false, false, 'destroy'],
  ['unreadable', 'destroy', false, true, 'destroy'],
  ['unreadable', 'destroy', true, false, 'destroy'],
  ['unreadable', 'destroy', true, true, 'destroy'],
  ['unreadable', 'discard', false, false, 'nothing: discarded'],
  ['unreadable', 'discard', false, true, 'nothing: discarded'],
  ['unreadable', 'discard', true, false, 'nothing: discarded'],
  ['unreadable', 'discard', true, true, 'nothing: discarded'],
  ['moved', 'keep', false, false, 'nothing: unchanged'],
  ['moved', 'keep', false, true, 'nothing: unchanged'],
  ['moved', 'keep', true, false, 'nothing: moved'],
  ['moved', 'keep', true, true, 'nothing: moved'],
  ['moved', 'renew', false, false, 'nothing: moved'],
  ['moved', 'renew', false, true, 'nothing: moved'],
  ['moved', 'renew', true, false, 'nothing: moved'],
  ['moved', 'renew', true, true, 'nothing: moved'],
  ['moved', 'sign-in', false, false, 'create'],
  ['moved', 'sign-in', false, true, 'create'],
  ['moved', 'sign-in', true, false, 'create'],
  ['moved', 'sign-in', true, true, 'create'],
  ['moved', 'destroy', false, false, 'destroy'],
  ['moved', 'destroy', false, true, 'destroy'],
  ['moved', 'destroy', true, false, 'destroy'],
  ['moved', 'destroy', true, true, 'destroy'],
  ['moved', 'discard', false, false, 'nothing: discarded'],
  ['moved', 'discard', false, true, 'nothing: discarded'],
  ['moved', 'discard', true, false, 'nothing: discarded'],
  ['moved', 'discard', true, true, 'nothing: discarded'],
  ['unavailable', 'keep', false, false, 'nothing: unchanged'],
  ['unavailable', 'keep', false, true, 'nothing: unchanged'],
  ['unavailable', 'keep', true, false, 'nothing: unavailable'],
  ['unavailable', 'keep', true, true, 'nothing: unavailable'],
  ['unavailable', 'renew', false, false, 'nothing: unavailable'],
  ['unavailable', 'renew', false, true, 'nothing: unavailable'],
  ['unavailable', 'renew', true, false, 'nothing: unavailable'],
  ['unavailable', 'renew', true, true, 'nothing: unavailable'],
  ['unavailable', 'sign-in', false, false, 'nothing: unavailable'],
  ['unavailable', 'sign-in', false, true, 'nothing: unavailable'],
  ['unavailable', 'sign-in', true, false, 'nothing: unavailable'],
  ['unavailable', 'sign-in', true, true, 'nothing: unavailable'],
  ['unavailable', 'destroy', false, false, 'destroy'],
  ['unavailable', 'destroy', false, true, 'destroy'],
  ['unavailable', 'destroy', true, false, 'destroy'],
  ['unavailable', 'destroy', true, true, 'destroy'],
  ['unavailable', 'discard', false, false, 'nothing: discarded'],
  ['unavailable', 'discard', false, true, 'nothing: discarded'],
  ['unavailable', 'discard', true, false, 'nothing: discarded'],
  ['unavailable', 'discard', true, true, 'nothing: discarded'],
]

function stepOf(found: LoadState, intent: Intent, changed: boolean, due: boolean): string {
  const step = nextStep(found, intent, changed, due)
  return step.do === 'nothing' ? `nothing: ${step.outcome}` : step.do
}

describe('nextStep', () => {
  it.each(table)('%s, %s, changed %s, due %s: %s', (found, intent, changed, due, step) => {
    expect(stepOf(found, intent, changed, due)).toBe(step)
  })

  it('has an answer to every combination, and the table above has them all', () => {
    const combinations = table.map((row) => row.slice(0, 4).join())
    expect(new Set(combinations).size).toBe(7 * 5 * 2 * 2)
  })

  it('S17: touches no store for a session that was neither changed nor asked for, before it is due', () => {
    const idle = table.filter(([, intent, changed, due]) => intent === 'keep' && !changed && !due)
    expect(idle.map(([, , , , step]) => step)).toEqual(Array(7).fill('nothing: unchanged'))
  })

  it('rule 2: neither creates nor saves nor renews nor rotates while the store is away', () => {
    const steps = table.filter(([found]) => found === 'unavailable').map(([, , , , step]) => step)
    expect(new Set(steps)).toEqual(
      new Set(['nothing: unchanged', 'nothing: unavailable', 'nothing: discarded', 'destroy']),
    )
  })

  it('CVE-2025-46336: saves, moves and rotates only what was found live', () => {
    const kept = table.filter(([, , , , step]) =>
      ['save', 'renew', 'sign-in', 'rotate'].includes(step),
    )
    expect(new Set(kept.map(([found]) => found))).toEqual(new Set(['live']))
  })

  it('rule 3: creates nothing by a plain change under a token that was moved, but signs in', () => {
    const created = table.filter(([found, , , , step]) => found === 'moved' && step === 'create')
    expect(new Set(created.map(([, intent]) => intent))).toEqual(new Set(['sign-in']))
    const moved = table.filter(([, , , , step]) => step === 'nothing: moved')
    expect(new Set(moved.map(([found]) => found))).toEqual(new Set(['moved']))
  })

  it('a request without the proof of a bound session saves, moves and creates nothing, but signs in and out', () => {
    const steps = table.filter(([found]) => found === 'unproven').map(([, , , , step]) => step)
    expect(new Set(steps)).toEqual(
      new Set([
        'nothing: unchanged',
        'nothing: unproven',
        'nothing: discarded',
        'create',
        'destroy',
      ]),
    )
    const created = table.filter(([found, , , , step]) => found === 'unproven' && step === 'create')
    expect(new Set(created.map(([, intent]) => intent))).toEqual(new Set(['sign-in']))
  })

  it('H1: creates nothing by a plain change beside a record that is sealed with an unknown secret', () => {
    const created = table.filter(
      ([found, , , , step]) => found === 'unknown-secret' && step === 'create',
    )
    expect(created.map((row) => row.slice(1, 4).join())).toEqual([
      'renew,true,false',
      'renew,true,true',
      'sign-in,false,false',
      'sign-in,false,true',
      'sign-in,true,false',
      'sign-in,true,true',
    ])
  })

  it('rule 5: every sign-in moves or creates, or says that it cannot', () => {
    const steps = table.filter(([, intent]) => intent === 'sign-in').map(([, , , , step]) => step)
    expect(new Set(steps)).toEqual(new Set(['create', 'sign-in', 'nothing: unavailable']))
  })

  it('rule 5: rotates only what is due, and lets what was asked for come first', () => {
    const rotated = table.filter(([, , , , step]) => step === 'rotate')
    expect(rotated.map((row) => row.slice(0, 4).join())).toEqual([
      'live,keep,false,true',
      'live,keep,true,true',
    ])
  })
})

describe('failureOf', () => {
  const asked: Record<Intent, Asked> = {
    keep: 'change',
    discard: 'change',
    renew: 'renewal',
    'sign-in': 'sign-in',
    destroy: 'sign-out',
  }
  const intents = Object.keys(asked) as Intent[]
  const outcomes: Record<Outcome, boolean> = {
    unchanged: false,
    created: false,
    saved: false,
    renewed: false,
    rotated: false,
    destroyed: false,
    discarded: false,
    gone: false,
    moved: true,
    taken: true,
    unproven: true,
    conflict: true,
    unavailable: true,
    unconfirmed: true,
  }

  it.each(intents)(
    'S37: is what was not done, or not for certain, and not a logout elsewhere: %s',
    (intent) => {
      for (const [outcome, isFailure] of Object.entries(outcomes)) {
        if (outcome === 'gone' && movesToken(intent)) continue
        const failure = failureOf(outcome as Outcome, intent)
        expect([outcome, failure]).toEqual([
          outcome,
          isFailure ? { outcome, asked: asked[intent] } : null,
        ])
      }
    },
  )

  it('S37: is a sign-in whose session has ended, for it signed in no one', () => {
    expect(failureOf('gone', 'sign-in')).toEqual({ outcome: 'gone', asked: 'sign-in' })
    expect(failureOf('gone', 'renew')).toEqual({ outcome: 'gone', asked: 'renewal' })
  })

  it('says of what was taken that it may be used twice, also if the session has ended', () => {
    for (const [outcome, isFailure] of Object.entries({ ...outcomes, gone: true })) {
      const failure = failureOf(outcome as Outcome, 'keep', true)
      const wanted = isFailure ? { outcome, asked: 'change', hasTaken: true } : null
      expect([outcome, failure]).toEqual([outcome, wanted])
    }
  })
})

describe('movesToken', () => {
  it('is true of a renewal and a sign-in', () => {
    const intents = ['keep', 'renew', 'sign-in', 'destroy', 'discard'] as const
    expect(intents.filter(movesToken)).toEqual(['renew', 'sign-in'])
  })
})

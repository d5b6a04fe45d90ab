import { describe, expect, it } from 'vitest'
import { blocksOf, editOf, fake, put, recordOf, start, valuesOf } from '../../test/fakes/context.ts'
import type { Fake } from '../../test/fakes/context.ts'
import { createData } from '../data/lazy-object.ts'
import type { SchemaIssue, SchemaResult, StandardSchema } from '../data/schema.ts'
import { nothingFound } from '../load/load.ts'
import type { LoadedSession } from '../load/follow-forwards.ts'
import { maxSchemaAsks } from '../rules/retry-limits.ts'
import { sum } from '../rules/resolvers.ts'
import { SessionControl } from '../session/control.ts'
import type { Session } from '../session/session.ts'
import { planAccepted, replayOnto, replayOntoNone } from './accept-by-schema.ts'
import type { Edit } from './edit.ts'
import type { OpenSession, Plan } from './plan.ts'

type Values = Record<string, unknown>

const issue = (key: string): SchemaIssue => ({ message: 'a number, please', path: [key] })

/** Refuses every `bad` key, and drops every `odd` one. A session has `visits`, at most 100. */
function check({ visits = 0, ...values }: Values): SchemaResult<Values> {
  if ('bad' in values) return { issues: [issue('bad')] }
  if ((visits as number) > 100) return { issues: [issue('visits')] }
  const { odd: _, ...kept } = values
  return { value: { visits, ...kept } }
}

interface Asked {
  readonly schema: StandardSchema<unknown, object>
  /** What the schema was asked about. */
  readonly values: Values[]
  /** Runs before the schema answers. */
  meanwhile: (asked: number) => void
}

function synchronous(): Asked {
  return asking((asked, value) => {
    asked.values.push(value)
    return check(value)
  })
}

function asynchronous(): Asked {
  return asking(async (asked, value) => {
    const number = asked.values.push(value)
    await Promise.resolve()
    asked.meanwhile(number)
    return check(value)
  })
}

function asking(
  answer: (asked: Asked, value: Values) => SchemaResult<Values> | Promise<SchemaResult<Values>>,
): Asked {
  const asked: Asked = {
    schema: {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value) => answer(asked, value as Values),
      },
    },
    values: [],
    meanwhile: () => {},
  }
  return asked
}

const kinds = [
  ['synchronous', synchronous],
  ['asynchronous', asynchronous],
] as const

interface Opened extends OpenSession {
  readonly session: Session<Values>
}

function open({ context }: Fake, loaded: LoadedSession | null = null): Opened {
  const found =
    loaded === null
      ? nothingFound
      : ({ state: 'live', address: loaded.address, loaded, isSeenDue: false } as const)
  const record = loaded?.record ?? null
  const base = record?.blocks ?? blocksOf({ visits: 0 })
  const begun = { state: found.state, id: loaded?.address.id ?? null, record }
  const control = new SessionControl(begun, createData(base), context)
  return { found, base, control, order: 0, session: control.session as Session<Values> }
}

const editIn = (plan: Plan): Edit => {
  if (!('edit' in plan)) throw new Error(`a plan to ${plan.step} has no edit`)
  return plan.edit
}

describe.each(kinds)('planAccepted with a schema that is %s', (kind, asked) => {
  it('gives the plan once the schema has accepted what it writes', async () => {
    const { schema, values } = asked()
    const made = fake({ schema })
    const opened = open(made, await put(made, { visits: 1 }))
    opened.session.data['visits'] = 2
    const planned = planAccepted(made.context, opened, () => {})
    expect(planned instanceof Promise).toBe(kind === 'asynchronous')
    const plan = await planned
    expect(plan.step).toBe('save')
    expect(valuesOf(editIn(plan).record)).toEqual({ visits: 2 })
    expect(values).toEqual([{ visits: 2 }])
  })

  it.each([
    ['refuses', { visits: 101 }, 'visits'],
    ['refuses', { bad: 1 }, 'bad'],
    ['drops', { odd: 1 }, 'odd'],
  ])('says which key it is that the schema %s: %o', async (_name, values, key) => {
    const made = fake({ schema: asked().schema })
    for (const loaded of [null, await put(made, { visits: 1 })]) {
      const opened = open(made, loaded)
      Object.assign(opened.session.data, values)
      await expect(
        (async () => planAccepted(made.context, opened, () => {}))(),
      ).rejects.toMatchObject({
        code: 'invalid-value',
        message: `The schema refuses or drops session.data.${key}: give it a value that the schema keeps. Nothing was saved`,
      })
    }
    expect(made.commands()).toEqual([])
  })

  it('keeps what the schema dropped at load, unless the schema reads it', async () => {
    for (const [key, kept] of [
      ['odd', ['odd']],
      ['bad', []],
    ] as const) {
      const made = fake({ schema: asked().schema })
      const loaded = await put(made, { visits: 1 })
      const record = { ...loaded.record, dropped: blocksOf({ [key]: 1 }) }
      const opened = open(made, { ...loaded, record })
      opened.session.data['visits'] = 2
      const { dropped } = editIn(await planAccepted(made.context, opened, () => {})).record
      expect([...dropped!.keys()]).toEqual(kept)
    }
  })

  it('asks nothing about a plan that writes no data', async () => {
    const { schema, values } = asked()
    const made = fake({ schema })
    const loaded = await put(made, { visits: 1 })
    for (const [act, step] of [
      [() => {}, 'nothing'],
      [({ renew }: Session<Values>) => renew(), 'renew'],
      [({ signIn }: Session<Values>) => signIn('zoë'), 'sign-in'],
      [
        ({ data, destroy }: Session<Values>) => {
          data['bad'] = 1
          destroy()
        },
        'destroy',
      ],
    ] as const) {
      const opened = open(made, loaded)
      act(opened.session)
      const plan = planAccepted(made.context, opened, () => {})
      expect(plan).toHaveProperty('step', step)
    }
    expect(values).toEqual([])
  })
})

describe('planAccepted while an asynchronous schema is asked', () => {
  async function asked(): Promise<Asked & { opened: Opened; plan: () => Promise<Plan> }> {
    const all = asynchronous()
    const made = fake({ schema: all.schema })
    const opened = open(made, await put(made, { visits: 1 }))
    const plan = async (): Promise<Plan> => planAccepted(made.context, opened, () => {})
    return Object.assign(all, { opened, plan })
  }

  it('asks about what was changed meanwhile, and plans that', async () => {
    const all = await asked()
    const { data } = all.opened.session
    all.meanwhile = (number) => void (data['visits'] = Math.min(number + 2, 4))
    data['visits'] = 2
    expect(valuesOf(editIn(await all.plan()).record)).toEqual({ visits: 4 })
    expect(all.values).toEqual([{ visits: 2 }, { visits: 3 }, { visits: 4 }])
  })

  it('refuses what was changed meanwhile', async () => {
    const all = await asked()
    const { data } = all.opened.session
    all.meanwhile = () => void (data['bad'] = 1)
    data['visits'] = 2
    await expect(all.plan()).rejects.toMatchObject({ code: 'invalid-value' })
    expect(all.values).toEqual([{ visits: 2 }, { visits: 2, bad: 1 }])
  })

  it('plans nothing if the change was taken back meanwhile', async () => {
    const all = await asked()
    const { data } = all.opened.session
    all.meanwhile = () => void (data['visits'] = 1)
    data['visits'] = 2
    expect(await all.plan()).toEqual({ step: 'nothing', outcome: 'unchanged' })
    expect(all.values).toHaveLength(1)
  })

  it('asks only once if a key was set to what it is', async () => {
    const all = await asked()
    const { data } = all.opened.session
    all.meanwhile = () => void (data['visits'] = 2)
    data['visits'] = 2
    expect((await all.plan()).step).toBe('save')
    expect(all.values).toHaveLength(1)
  })

  it('plans what was asked for meanwhile: a sign-out', async () => {
    const all = await asked()
    const { data, destroy } = all.opened.session
    const { found } = all.opened
    all.meanwhile = () => destroy()
    data['visits'] = 2
    expect(await all.plan()).toEqual({ step: 'destroy', found })
  })

  it('plans what was asked for meanwhile: a renewal as the one before, for longer', async () => {
    const all = await asked()
    const { data, renew } = all.opened.session
    all.meanwhile = (number) => {
      if (number === 1) renew({ reauthenticated: true })
    }
    data['visits'] = 2
    renew()
    const plan = await all.plan()
    expect(plan.step).toBe('renew')
    expect(editIn(plan).restart).toBe(true)
  })

  it.each([
    [maxSchemaAsks - 1, 'save'],
    [maxSchemaAsks, 'refused'],
  ])('gives up at the 16th change: changed %i times, the end is %s', async (changes, end) => {
    const all = await asked()
    const { data } = all.opened.session
    all.meanwhile = (number) => void (data['visits'] = Math.min(number, changes) + 10)
    data['visits'] = 10
    const planned = all.plan()
    if (end === 'save') {
      expect(valuesOf(editIn(await planned).record)).toEqual({ visits: 10 + changes })
      expect(all.values).toHaveLength(maxSchemaAsks)
    } else {
      await expect(planned).rejects.toMatchObject({
        code: 'invalid-value',
        message: 'session.data kept changing as the schema ran. Nothing was saved',
      })
      // No further question is left, whose answer no code waits for.
      expect(all.values).toHaveLength(maxSchemaAsks)
    }
  })
})

describe.each(kinds)('a replay with a schema that is %s', (_kind, asked) => {
  it('gives the record that the schema accepts', async () => {
    const { schema, values } = asked()
    const { context } = fake({ schema })
    const edit = editOf(recordOf({ visits: 1 }), { visits: 2 })
    const record = await replayOnto(context, recordOf({ visits: 1, theirs: 1 }), edit)
    expect(valuesOf(record)).toEqual({ visits: 2, theirs: 1 })
    expect(values).toEqual([{ visits: 2, theirs: 1 }])
  })

  it('has failed if the schema refuses what two requests have made together', async () => {
    const merge = { visits: sum } as never
    const { context } = fake({ schema: asked().schema, merge })
    const edit = editOf(recordOf({ visits: 10 }), { visits: 60 })
    const replayed = (async () => replayOnto(context, recordOf({ visits: 60 }), edit))()
    await expect(replayed).rejects.toMatchObject({
      code: 'merge-failed',
      message:
        'The schema refuses or drops session.data.visits, as changed by this request and another. Nothing was saved',
    })
  })

  it('asks nothing if the edit changes nothing', async () => {
    const { schema, values } = asked()
    const { context } = fake({ schema })
    const record = recordOf({ bad: 1 })
    const edit = editOf(record, {})
    expect(valuesOf(await replayOnto(context, record, edit))).toEqual({ bad: 1 })
    expect(values).toEqual([])
  })

  it('onto none begins with what the schema gives an empty session', async () => {
    const { context } = fake({ schema: asked().schema })
    const root = new Uint8Array(16).fill(8)
    const edit = editOf(recordOf({ visits: 5, secret: 1 }), { form: 'sent' }, { root })
    const record = await replayOntoNone(context, edit, start + 1)
    expect(valuesOf(record)).toEqual({ visits: 0, form: 'sent' })
    expect(record).toMatchObject({ createdAt: start + 1, renewedAt: null, owner: null, root })
  })

  it('onto none has failed if the schema refuses the changes alone', async () => {
    const { context } = fake({ schema: asked().schema })
    const edit = editOf(recordOf({ visits: 5 }), { bad: 1 })
    await expect(replayOntoNone(context, edit, start)).rejects.toMatchObject({
      code: 'merge-failed',
    })
  })
})

describe('without a schema', () => {
  it('plans and replays whatever there is, at once', async () => {
    const made = fake()
    const opened = open(made)
    opened.session.data['bad'] = 1
    const plan = planAccepted(made.context, opened, () => {})
    expect(plan).toHaveProperty('step', 'create')
    const edit = editOf(recordOf({ secret: 1 }), { bad: 1 })
    expect(replayOnto(made.context, recordOf({}), edit)).toHaveProperty('blocks')
    expect(valuesOf(await replayOntoNone(made.context, edit, start))).toEqual({ bad: 1 })
  })
})

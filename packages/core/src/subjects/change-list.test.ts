import { describe, expect, it } from 'vitest'
import {
  after,
  answered,
  fake,
  lost,
  putList,
  refused,
  second,
  start,
} from '../../test/fakes/context.ts'
import type { Fake } from '../../test/fakes/context.ts'
import type { Address } from '../crypto/record-address.ts'
import { changeList } from './change-list.ts'
import type { ListChange } from './change-list.ts'
import { emptyList } from './list-record.ts'
import type { Listed, LoadedList, SubjectList } from './list-record.ts'

const entry: Listed = { createdAt: start, renewedAt: null, seenAt: start, label: null }
const address: Address = { id: 'L'.repeat(43), keyMaterial: 'subject zoë' }
const owner = { subject: 'zoë', listId: address.id, ref: 'first' }

const adding = (ref: string): ListChange => ({
  creates: false,
  edit: (list: SubjectList) => new Map(list).set(ref, entry),
})

const beginning = (ref: string): ListChange => ({ ...adding(ref), creates: true })

async function refs({ context, store }: Fake): Promise<readonly string[] | string> {
  const found = await store.elsewhere(() => context.lists.load(address))
  return typeof found === 'string' ? found : [...(found.record ?? emptyList).keys()]
}

/** Another process adds a session. */
function add({ context, store }: Fake, ref: string): () => Promise<unknown> {
  return () =>
    store.elsewhere(async () => {
      const { record, version } = (await context.lists.load(address)) as LoadedList
      return context.lists.save(address, adding(ref).edit(record), start + 1e9, version)
    })
}

describe('changeList', () => {
  it('rule 6: changes a list in two commands, and keeps it for the absolute lifetime', async () => {
    const made = fake({ lifetime: { absolute: 100 } })
    await putList(made, owner, {})
    made.clock.now += second
    expect(await changeList(made.context, address, adding('x'))).toBe('saved')
    expect(made.commands()).toEqual(['load', 'save'])
    expect(made.store.expiries.get(address.id)).toBe(start + 101 * second)
    expect(await refs(made)).toEqual(['first', 'x'])
  })

  it('begins a list if it may, with the edit of an empty one', async () => {
    const made = fake({ lifetime: { absolute: 100 } })
    expect(await changeList(made.context, address, beginning('x'))).toBe('saved')
    expect(made.commands()).toEqual(['load', 'create'])
    expect(made.store.expiries.get(address.id)).toBe(start + 100 * second)
    expect(await refs(made)).toEqual(['x'])
  })

  it('is missing if there is none and it may begin none', async () => {
    const made = fake()
    expect(await changeList(made.context, address, adding('x'))).toBe('missing')
    expect(made.commands()).toEqual(['load'])
  })

  it('writes nothing for the same list', async () => {
    const made = fake()
    await putList(made, owner, {})
    for (const creates of [true, false]) {
      expect(await changeList(made.context, address, { creates, edit: (list) => list })).toBe(
        'saved',
      )
    }
    expect(made.commands()).toEqual(['load', 'load'])
  })

  it('S31: edits what another process saved in between, again', async () => {
    const made = fake()
    await putList(made, owner, {})
    made.store.fail('save', after(add(made, 'other')))
    expect(await changeList(made.context, address, adding('x'))).toBe('saved')
    expect(made.commands()).toEqual(['load', 'save', 'load', 'save'])
    expect(made.waits).toEqual([1])
    expect(await refs(made)).toEqual(['first', 'other', 'x'])
  })

  it('S31: edits the list that another process began in between', async () => {
    const made = fake()
    made.store.fail(
      'create',
      after(() => putList(made, owner, {})),
    )
    expect(await changeList(made.context, address, beginning('x'))).toBe('saved')
    expect(made.commands()).toEqual(['load', 'create', 'load', 'save'])
    expect(await refs(made)).toEqual(['first', 'x'])
  })

  it('begins a list anew if it was deleted in between, and may not without a sign-in', async () => {
    for (const [change, outcome, left] of [
      [beginning, 'saved', ['x']],
      [adding, 'missing', 'missing'],
    ] as const) {
      const made = fake()
      await putList(made, owner, {})
      made.store.fail(
        'save',
        after(() => made.store.elsewhere(() => made.context.lists.delete(address.id))),
      )
      expect(await changeList(made.context, address, change('x'))).toBe(outcome)
      expect(await refs(made)).toEqual(left)
    }
  })

  it('S32: ends after 16 conflicts', async () => {
    const made = fake()
    await putList(made, owner, {})
    made.store.fail('save', ...Array.from({ length: 16 }, () => answered('conflict')))
    const outcome = await changeList(made.context, address, adding('x'))
    expect(outcome).toBe('conflict')
    expect(made.commands()).toHaveLength(32)
    expect(made.waits).toEqual(Array.from({ length: 16 }, (_, at) => at + 1))
    expect(await refs(made)).toEqual(['first'])
  })

  it.each([
    ['load', refused],
    ['save', refused],
    ['save', lost],
  ] as const)('rule 2: is unavailable if the %s fails', async (command, fault) => {
    const made = fake()
    await putList(made, owner, {})
    made.store.fail(command, fault, fault)
    expect(await changeList(made.context, address, beginning('x'))).toBe('unavailable')
    expect(made.waits).toEqual([])
  })

  it('does a save once more whose answer was lost, and leaves nothing of a sign-in unsaid', async () => {
    const made = fake()
    await putList(made, owner, {})
    made.store.fail('save', lost)
    expect(await changeList(made.context, address, beginning('x'))).toBe('saved')
    expect(await refs(made)).toEqual(['first', 'x'])
  })

  it('begins no list that comes after a revocation', async () => {
    const made = fake()
    let arrive = (): Promise<unknown> => Promise.resolve()
    made.store.fail('create', (run) => {
      arrive = run
      return Promise.reject(new Error('timed out'))
    })
    const outcome = await changeList(made.context, address, beginning('x'))
    await made.context.lists.delete(address.id)
    await arrive()
    // The entry is back, so the sign-in must not have been told that it was made.
    expect(outcome).toBe('unavailable')
    expect(await refs(made)).toEqual(['x'])
  })

  it('rule 2: is unavailable if a list cannot be begun', async () => {
    const made = fake()
    made.store.fail('create', refused)
    expect(await changeList(made.context, address, beginning('x'))).toBe('unavailable')
  })

  it('replaces a list that cannot be read, which stands in the way of a new one', async () => {
    for (const [change, outcome, left, commands] of [
      [beginning, 'saved', ['x'], ['load', 'save']],
      [adding, 'missing', [], ['load']],
    ] as const) {
      const made = fake()
      const bytes = Uint8Array.of(1)
      await made.store.elsewhere(() => made.store.create(address.id, bytes, start + 1000))
      expect(await changeList(made.context, address, change('x'))).toBe(outcome)
      expect(made.commands()).toEqual(commands)
      expect(await refs(made)).toEqual(left)
    }
  })

  it.each(['damaged', 'of a secret that was taken away'])(
    'keeps what another process has put in place of a list that is %s',
    async (what) => {
      const made = fake({ secrets: ['a secret of now, of 32 characters or more'] }, true)
      const former = fake({ secrets: ['a secret of before, of 32 characters'] }, true)
      await putList(former, owner, {})
      const sealed = await former.store.elsewhere(() => former.store.load(address.id))
      const bytes = what === 'damaged' ? Uint8Array.of(1) : sealed!.bytes
      await made.store.elsewhere(() => made.store.create(address.id, bytes, start + 1e9))
      const another = { ...made.context, listQueue: fake().context.listQueue }
      const act = () =>
        made.store.elsewhere(() => changeList(another, address, beginning('theirs')))
      made.store.fail('save', after(act))
      expect(await changeList(made.context, address, beginning('ours'))).toBe('saved')
      expect(await refs(made)).toEqual(['theirs', 'ours'])
    },
  )
})

describe('changes of one list inside a process', () => {
  it('rule 6: share one write, in the order of arrival', async () => {
    const made = fake()
    await putList(made, owner, {})
    const refsOf = Array.from({ length: 100 }, (_, n) => `${n}`)
    const outcomes = await Promise.all(
      refsOf.map((ref) => changeList(made.context, address, adding(ref))),
    )
    expect(new Set(outcomes)).toEqual(new Set(['saved']))
    expect(made.commands()).toEqual(['load', 'save'])
    expect(await refs(made)).toEqual(['first', ...refsOf])
  })

  it('rule 6: wait for the write that is under way, and share the next', async () => {
    const made = fake()
    await putList(made, owner, {})
    const later: Promise<string>[] = []
    made.store.fail(
      'save',
      after(() => {
        for (const ref of ['b', 'c']) later.push(changeList(made.context, address, adding(ref)))
      }),
    )
    expect(await changeList(made.context, address, adding('a'))).toBe('saved')
    expect(await Promise.all(later)).toEqual(['saved', 'saved'])
    expect(made.commands()).toEqual(['load', 'save', 'load', 'save'])
    expect(await refs(made)).toEqual(['first', 'a', 'b', 'c'])
  })

  it('are missing, each for itself, until one of them begins the list', async () => {
    const made = fake()
    const outcomes = await Promise.all(
      [adding('a'), beginning('b'), adding('c')].map((change) =>
        changeList(made.context, address, change),
      ),
    )
    expect(outcomes).toEqual(['missing', 'saved', 'saved'])
    expect(made.commands()).toEqual(['load', 'create'])
    expect(await refs(made)).toEqual(['b', 'c'])
  })

  it('end together if the store fails, and the next begins afresh', async () => {
    const made = fake()
    await putList(made, owner, {})
    made.store.fail('save', refused, refused)
    const both = ['a', 'b'].map((ref) => changeList(made.context, address, adding(ref)))
    expect(await Promise.all(both)).toEqual(['unavailable', 'unavailable'])
    expect(await changeList(made.context, address, adding('c'))).toBe('saved')
    expect(await refs(made)).toEqual(['first', 'c'])
  })

  it('of another list wait for nothing', async () => {
    const made = fake()
    const other: Address = { id: 'M'.repeat(43), keyMaterial: 'subject ann' }
    let finish: () => void = () => {}
    made.store.fail('load', async (run) => {
      await new Promise<void>((resolve) => (finish = resolve))
      return run()
    })
    const waiting = changeList(made.context, address, beginning('a'))
    expect(await changeList(made.context, other, beginning('b'))).toBe('saved')
    finish()
    expect(await waiting).toBe('saved')
  })
})

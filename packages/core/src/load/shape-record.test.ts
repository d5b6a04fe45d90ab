import { describe, expect, it } from 'vitest'
import { recordOf } from '../../test/fakes/records.ts'
import type { StandardSchema } from '../data/schema.ts'
import type { SessionEvent } from '../events.ts'
import { shapeRecord } from './shape-record.ts'

const refusing: StandardSchema = {
  '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'no' }] }) },
}

const up = (data: object): object => data

async function shaped(
  version: number,
  migration: { readonly version: number; readonly reads: number } | null,
): Promise<readonly [unknown, unknown]> {
  const events: SessionEvent[] = []
  const context = {
    schema: refusing,
    migration: migration && { ...migration, up },
    onEvent: (event: SessionEvent) => void events.push(event),
  }
  const address = { id: 'I'.repeat(43), keyMaterial: '' }
  const result = await shapeRecord(context, address, { ...recordOf({ a: 1 }), version })
  const [event] = events
  return [result, event && 'reason' in event && event.reason]
}

describe('a record that the schema refuses', () => {
  it('is refused if it is of the version of this code', async () => {
    expect(await shaped(0, null)).toEqual(['schema', 'schema'])
    expect(await shaped(2, { version: 2, reads: 2 })).toEqual(['schema', 'schema'])
  })

  it('is kept for other code if it is of another version', async () => {
    expect(await shaped(1, { version: 2, reads: 2 })).toEqual(['migration', 'migration'])
    expect(await shaped(3, { version: 2, reads: 3 })).toEqual(['newer-version', 'newer-version'])
  })
})

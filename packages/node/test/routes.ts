import type { RequestSession } from '@coatcheck/core'
import { setTimeout as sleep } from 'node:timers/promises'

export type Data = Record<string, unknown>
export type TestSession = RequestSession<Partial<Data>>

/** The five routes of `describeHttpRaces`; `null` for any other. */
export async function answerRaces(
  method: string,
  target: string,
  body: () => Promise<string>,
  session: TestSession,
): Promise<object | null> {
  const { pathname, searchParams } = new URL(target, 'http://localhost')
  const edit = edits[`${method} ${pathname}`]
  if (edit === undefined) return null
  const asked = method === 'PATCH' || pathname === '/api/login' ? await body() : '{}'
  const opened = await session.get()
  await sleep(Number(searchParams.get('delay') ?? 0))
  edit(opened, JSON.parse(asked) as Edit, searchParams.get('key') ?? '')
  if (pathname === '/api/logout') return { state: 'new', data: {} }
  return { state: opened.state, data: { ...opened.data } }
}

interface Edit {
  readonly set?: Data
  readonly delete?: readonly string[]
  readonly user?: string
}

type Opened = Awaited<ReturnType<TestSession['get']>>

const edits: Readonly<Record<string, (session: Opened, edit: Edit, key: string) => void>> = {
  'GET /api/session': () => {},
  'PATCH /api/session': ({ data }, { set = {}, delete: deleted = [] }) => {
    Object.assign(data, set)
    for (const key of deleted) delete data[key]
  },
  'POST /api/increment': ({ data }, _edit, key) => {
    data[key] = Number(data[key] ?? 0) + 1
  },
  'POST /api/login': (session, { user }) => {
    session.renew()
    session.data['user'] = user
  },
  'POST /api/logout': ({ destroy }) => destroy(),
}

export const count = async (session: TestSession): Promise<number> => {
  const { data } = await session.get()
  data['visits'] = Number(data['visits'] ?? 0) + 1
  return data['visits'] as number
}

/** Long enough to be compressed. */
export const page = 'The cloakroom is open. '.repeat(200)

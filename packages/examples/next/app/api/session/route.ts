import { show } from '../../../lib/answers.ts'
import { change } from '../../../lib/change.ts'
import { readPatch } from '../../../lib/edits.ts'
import { getSession, handle } from '../../../lib/sessions.ts'

export const GET = handle(async (_request: Request) => show(await getSession()))

export const PATCH = handle((request: Request) => change(request, readPatch))

import { change } from '../../../lib/change.ts'
import { readIncrement } from '../../../lib/edits.ts'
import { handle } from '../../../lib/sessions.ts'

export const POST = handle((request: Request) => change(request, readIncrement))

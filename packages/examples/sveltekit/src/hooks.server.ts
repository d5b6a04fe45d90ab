import { createHandle } from '@coatcheck/sveltekit'
import { sequence } from '@sveltejs/kit/hooks'
import { onFailure } from '#lib/server/api.ts'
import { explain } from '#lib/server/explain.ts'
import { mayChange } from '#lib/server/may-change.ts'
import { sessions } from '#lib/server/sessions.ts'

export const handle = sequence(explain, mayChange, createHandle(sessions, { onFailure }))

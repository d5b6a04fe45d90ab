import type { Session } from '@coatcheck/core'
import { getSession } from '@coatcheck/sveltekit'
import type { RequestEvent } from '@sveltejs/kit'
import { error, fail, redirect } from '@sveltejs/kit'
import { checkKey } from '#lib/server/api.ts'
import { Refusal } from '#lib/server/refusal.ts'
import { save } from '#lib/server/save.ts'
import { addToCart, increment, visitorOf } from '#lib/server/visitor.ts'
import type { Actions, PageServerLoad } from './$types'

const unavailable =
  'The session store cannot be reached. You are not signed out: please try again in a moment.'

export const load: PageServerLoad = async (event) => {
  event.setHeaders({ 'Cache-Control': 'private, no-store' })
  const { data, id, state } = await getSession(event)
  if (state === 'unavailable') error(503, unavailable)
  return { visitor: visitorOf(data), ticket: id && ticketNumber(id) }
}

const ended = 'Your session ended meanwhile. Please sign in again.'

export const actions: Actions = {
  signIn: form((session, fields) => {
    const user = readField(fields, 'user')
    session.signIn(user)
    session.data['user'] = user
  }),
  signOut: form((session) => session.destroy()),
  add: form(({ data }, fields) => addToCart(data, readField(fields, 'item'))),
  visit: form(({ data }) => void increment(data, 'visits')),
}

/** An action that changes the session. The page shows a refusal next to the forms. */
function form(edit: (session: Session, fields: FormData) => void) {
  return async (event: RequestEvent) => {
    const fields = await event.request.formData()
    try {
      edit(await getSession(event), fields)
      const saved = await save(event)
      if (saved === 'failed') error(503, unavailable)
      if (saved === 'gone') error(409, ended)
    } catch (refusal) {
      if (refusal instanceof Refusal) return fail(refusal.status, { message: refusal.message })
      throw refusal
    }
    redirect(303, '/')
  }
}

const longestField = 60

function readField(fields: FormData, name: string): string {
  const value = fields.get(name)
  const text = typeof value === 'string' ? value.trim() : ''
  checkKey(text)
  if (text !== '' && text.length <= longestField) return text
  throw new Refusal(`Please fill in the field “${name}”, with at most ${longestField} characters`)
}

/** Made of the id, so a sign-in changes it. */
function ticketNumber(id: string): string {
  let number = 0
  for (const character of id) number = (number * 31 + character.charCodeAt(0)) % 10_000
  return String(number).padStart(4, '0')
}

'use server'

import { redirect } from 'next/navigation'
import { save } from '../lib/change.ts'
import type { Edit } from '../lib/edits.ts'
import { countVisit, putInCart, readField, signIn } from '../lib/edits.ts'
import { getSession, handle } from '../lib/sessions.ts'

export const signInAction = handle(async (form: FormData) => finish(signIn(readField(form, 'user'))))

export const countVisitAction = handle(async () => finish(countVisit))

export const putInCartAction = handle(async (form: FormData) => finish(putInCart(readField(form, 'item'))))

/** After a form, the page: so that going back or reloading sends nothing twice. */
async function finish(edit: Edit): Promise<void> {
  const saved = await save(await getSession(), edit)
  redirect(saved ? '/' : '/unavailable')
}

'use server'

import type { Failure } from '@coatcheck/core'
import { redirect } from 'next/navigation'
import { Refusal } from '../lib/answers.ts'
import { save } from '../lib/change.ts'
import type { Edit } from '../lib/edits.ts'
import { countVisit, putInCart, readField, signIn } from '../lib/edits.ts'
import { getSession, handle } from '../lib/sessions.ts'

export const signInAction = handle(async (_said: string, form: FormData) => {
  return finish(() => signIn(readField(form, 'user')))
})

export const countVisitAction = handle(async (_said: string) => finish(() => countVisit))

export const putInCartAction = handle(async (_said: string, form: FormData) => {
  return finish(() => putInCart(readField(form, 'item')))
})

/** Redirects, so that going back or reloading sends nothing twice, or returns what is wrong with the form. */
async function finish(readEdit: () => Edit): Promise<string> {
  let failure: Failure | null
  try {
    failure = await save(await getSession(), readEdit())
  } catch (error) {
    if (error instanceof Refusal) return error.message
    throw error
  }
  // Without JavaScript an error boundary would be a page with status 500.
  redirect(failure ? '/unavailable' : '/')
}

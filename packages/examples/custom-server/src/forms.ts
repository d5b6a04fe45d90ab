import type { Failure } from '@coatcheck/core'
import { readForm } from './body.ts'
import { messagePage, unavailablePage } from './page.ts'
import { Refusal } from './refusal.ts'
import type { Handler, Routes } from './routes.ts'
import { addToCart, increment } from './visitors.ts'
import type { Visitors, VisitorSession } from './visitors.ts'

const longestField = 60

/** What the forms of the page post to. They need no JavaScript. */
export function formRoutes(visitors: Pick<Visitors, 'handle'>): Routes {
  const form = (
    edit: (session: VisitorSession, fields: URLSearchParams) => void,
  ): { POST: Handler } => ({
    POST: async (request) => {
      const fields = await readForm(request)
      const handler = (session: VisitorSession): Response => {
        edit(session, fields)
        return backToPage()
      }
      return visitors.handle(request, handler, { onFailure })
    },
  })

  return new Map([
    ['/sign-in', form(signIn)],
    ['/sign-out', form((session) => session.destroy())],
    ['/visit', form(countVisit)],
    ['/cart', form(({ data }, fields) => addToCart(data, readField(fields, 'item')))],
  ])
}

function signIn(session: VisitorSession, fields: URLSearchParams): void {
  const user = readField(fields, 'user')
  session.signIn(user)
  session.data.user = user
}

function countVisit({ data }: VisitorSession): void {
  if (!increment(data, 'visits')) throw new Refusal(400, 'The value of visits is not a number')
}

function readField(fields: URLSearchParams, name: string): string {
  const value = fields.get(name)?.trim() ?? ''
  if (value !== '' && value.length <= longestField && value !== '__proto__') return value
  throw new Refusal(
    400,
    `Please fill in the field “${name}”, with at most ${longestField} characters`,
  )
}

export function onFailure({ outcome }: Failure): Response {
  if (outcome !== 'gone' && outcome !== 'moved') return unavailablePage()
  return messagePage(new Refusal(409, 'Your session ended meanwhile: please sign in again'))
}

/** After a form, the page: so that going back or reloading sends the form only once. */
function backToPage(): Response {
  return new Response(null, { status: 303, headers: { Location: '/' } })
}

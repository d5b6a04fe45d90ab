import { createVisitor } from '@coatcheck/testing'
import type { Visitor } from '@coatcheck/testing'

/** A form of a page, without JavaScript. */
interface Form {
  readonly action: string
  readonly isMultipart: boolean
  readonly fields: readonly (readonly [name: string, value: string])[]
  /** The name of the field that a person fills in. */
  readonly asks: string | undefined
  readonly button: string
}

/** The forms in the text of a page. */
export function formsOf(html: string): readonly Form[] {
  return (html.match(/<form\b[\s\S]*?<\/form>/g) ?? []).map((markup) => {
    const form = attributesOf(/<form\b[^>]*>/.exec(markup)?.[0] ?? '')
    const inputs = [...markup.matchAll(/<input\b[^>]*>/g)].map(([tag]) => attributesOf(tag))
    const hidden = inputs.filter(({ type }) => type === 'hidden')
    return {
      action: form['action'] ?? '',
      isMultipart: form['enctype'] === 'multipart/form-data',
      fields: hidden.map(({ name = '', value = '' }) => [name, value] as const),
      asks: inputs.find(({ type }) => type !== 'hidden')?.['name'],
      button: /<button[^>]*>([^<]*)/.exec(markup)?.[1] ?? '',
    }
  })
}

function attributesOf(tag: string): Readonly<Record<string, string>> {
  const pairs = [...tag.matchAll(/([\w-]+)="([^"]*)"/g)]
  return Object.fromEntries(
    pairs.map(([, name = '', value = '']) => [name.toLowerCase(), decode(value)]),
  )
}

function decode(text: string): string {
  const entities = { '&quot;': '"', '&#x27;': "'", '&lt;': '<', '&gt;': '>', '&amp;': '&' }
  return Object.entries(entities).reduce(
    (all, [entity, sign]) => all.replaceAll(entity, sign),
    text,
  )
}

/** What a visitor saw: each is the text of the page after the sign-in. */
export interface Visit {
  readonly signedIn: string
  readonly again: string
  readonly signedOut: string
  /** With the cookie of before the sign-out. */
  readonly withOldCookie: string
}

const user = 'ada-of-the-test'

/** Signs in by the form at `path`, and out by the button of the page that follows, as a browser without JavaScript. */
export async function visitByForms(url: string, path: string): Promise<Visit> {
  const visitor = createVisitor((request) => fetch(request), { origin: url })
  const entry = await findForm(visitor, path, ({ asks }) => asks !== undefined)
  const landed = await submit(visitor, url, path, entry, [[entry.asks as string, user]])
  const look = async (who: Visitor): Promise<string> => (await who.fetch(landed)).text()
  const [signedIn, again] = [await look(visitor), await look(visitor)]
  const old = visitor.copy()
  const exit = await findForm(visitor, landed, ({ button }) => /^(log|sign) out$/i.test(button))
  await submit(visitor, url, landed, exit, [])
  return { signedIn, again, signedOut: await look(visitor), withOldCookie: await look(old) }
}

async function findForm(
  visitor: Visitor,
  path: string,
  is: (form: Form) => boolean,
): Promise<Form> {
  const html = await (await visitor.fetch(path)).text()
  const found = formsOf(html).find(is)
  if (found === undefined) throw new Error(`${path} has no such form:\n${html.slice(0, 4000)}`)
  return found
}

/** Resolves with the path that the answer redirects to. */
async function submit(
  visitor: Visitor,
  url: string,
  path: string,
  { action, isMultipart, fields }: Form,
  filled: readonly (readonly [string, string])[],
): Promise<string> {
  const body = new FormData()
  for (const [name, value] of [...fields, ...filled]) body.append(name, value)
  const here = new URL(path, url)
  const target = new URL(action, here)
  const response = await visitor.fetch(target.pathname + target.search, {
    method: 'POST',
    headers: { Accept: 'text/html', Origin: url },
    body: isMultipart ? body : new URLSearchParams([...fields, ...filled].map((pair) => [...pair])),
  })
  const location = response.headers.get('Location')
  if (response.status < 300 || response.status > 399 || location === null) {
    throw new Error(
      `POST ${target.pathname} answered ${response.status}:\n${await response.text()}`,
    )
  }
  const { pathname, search } = new URL(location, target)
  return pathname + search
}

/** What is wrong with a visit; `null`: nothing. */
export function faultOf(visit: Visit): string | null {
  const shown = Object.entries(visit).filter(([, text]) => text.includes(user))
  const names = shown.map(([name]) => name).join(', ')
  return names === 'signedIn, again'
    ? null
    : `The visitor is shown as signed in: ${names || 'never'}`
}

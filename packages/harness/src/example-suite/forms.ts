/** What a browser sends for a form. */
export interface FilledForm {
  readonly action: string
  readonly body: URLSearchParams | FormData
}

/**
 * Fills in the form with this button: hidden fields keep their values, the others get `value`. It reads the simple
 * markup of the examples, not any HTML.
 */
export function fillForm(page: string, button: string, value: string): FilledForm {
  const forms = page.match(/<form\b[\s\S]*?<\/form>/g) ?? []
  const form = forms.find((markup) => buttonOf(markup, button) !== undefined)
  if (form === undefined) throw new Error(`The page has no form with the button ${button}`)
  const attributes = attributesOf(form)
  const pressed = attributesOf(buttonOf(form, button) ?? '')
  const isMultipart = attributes.get('enctype') === 'multipart/form-data'
  const body = isMultipart ? new FormData() : new URLSearchParams()
  for (const [input] of form.matchAll(/<input\b[^>]*>/g)) append(body, attributesOf(input), value)
  const name = pressed.get('name')
  if (name !== undefined) body.append(name, pressed.get('value') ?? '')
  return { action: pressed.get('formaction') ?? attributes.get('action') ?? '', body }
}

function append(body: URLSearchParams | FormData, input: Attributes, value: string): void {
  const name = input.get('name')
  if (name === undefined) return
  body.append(name, input.get('type') === 'hidden' ? (input.get('value') ?? '') : value)
}

function buttonOf(form: string, text: string): string | undefined {
  const buttons = form.match(/<button\b[\s\S]*?<\/button>/g) ?? []
  return buttons.find((button) => plainText(button) === text)
}

type Attributes = ReadonlyMap<string, string>

/** The attributes of the first tag. */
function attributesOf(markup: string): Attributes {
  const [tag = ''] = /<[^>]*>/.exec(markup) ?? []
  const pairs = [...tag.matchAll(/\s([\w-]+)="([^"]*)"/g)]
  return new Map(pairs.map(([, name = '', value = '']) => [name.toLowerCase(), decode(value)]))
}

/** The text of the element with this id; `null` if the page has no such element. */
export function textOf(page: string, id: string): string | null {
  const start = new RegExp(`<([a-z][a-z0-9]*)\\b[^>]*\\sid="${id}"[^>]*>`).exec(page)
  if (start === null) return null
  const rest = page.slice(start.index)
  return plainText(rest.slice(0, rest.indexOf(`</${start[1]}>`)))
}

function plainText(markup: string): string {
  return decode(markup.replace(/<[^>]*>/g, '')).trim()
}

const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }

function decode(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(String(hex), 16))
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal))
    return entities[String(name)] ?? String(whole)
  })
}

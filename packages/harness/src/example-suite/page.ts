import { describe, expect, it } from 'vitest'
import type { App } from './app.ts'
import { fillForm, textOf } from './forms.ts'

/** The page and its forms in a browser without JavaScript. */
export function describePage(app: App): void {
  describe('the page without JavaScript', () => {
    it('shows a new visitor as signed out, with no visits and an empty cart, and sets no cookie', async () => {
      const { status, headers, text, setCookies } = await app.visitor().get('/')
      expect(status).toBe(200)
      expect(headers.get('Content-Type')).toMatch(/^text\/html/)
      expect(textOf(text, 'who')).toBe('not signed in')
      expect(textOf(text, 'visits')).toBe('0')
      expect(textOf(text, 'cart')).toBe('empty')
      expect(setCookies).toEqual([])
    })

    it('signs in: 303, and the page shows the name', async () => {
      const visitor = app.visitor()
      const { posted, page } = await visitor.submit('Sign in', 'Ada')
      expect(posted.status).toBe(303)
      expect(posted.setCookies).toHaveLength(1)
      expect(textOf(page.text, 'who')).toBe('Ada')
    })

    it('signs in with a new token, and the old one is dead', async () => {
      const visitor = await app.guest()
      const old = visitor.copy()
      await visitor.submit('Sign in', 'Ada')
      expect((await visitor.session()).view.data).toEqual({ coat: 'wool', user: 'Ada' })
      expect((await old.session()).view).toEqual({ state: 'new', data: {} })
    })

    it('escapes names and items', async () => {
      const visitor = app.visitor()
      const name = `<img src=x onerror=alert(1)> & "Ada" 'Ω'`
      const { page } = await visitor.submit('Sign in', name)
      expect(textOf(page.text, 'who')).toBe(name)
      expect(page.text).not.toContain('<img src=x')
      const cart = (await visitor.submit('Add to cart', '</script><b>hat</b>')).page
      expect(textOf(cart.text, 'cart')).toContain('</script><b>hat</b>')
      expect(cart.text).not.toContain('<b>hat')
    })

    it('fills the cart and counts visits', async () => {
      const visitor = app.visitor()
      await visitor.submit('Add to cart', 'Hat')
      await visitor.submit('Add to cart', 'Hat')
      const { posted } = await visitor.submit('Count a visit')
      expect(posted.status).toBe(303)
      const { page } = await visitor.submit('Add to cart', 'Scarf')
      expect(textOf(page.text, 'cart')).toMatch(/2\s×\sHat/)
      expect(textOf(page.text, 'cart')).toMatch(/1\s×\sScarf/)
      expect(textOf(page.text, 'visits')).toBe('1')
      const { data } = (await visitor.session()).view
      expect(data).toEqual({ cart: { Hat: 2, Scarf: 1 }, visits: 1 })
    })

    it('S13: signs out with a form: the page shows no name, and the old token is dead', async () => {
      const visitor = app.visitor()
      await visitor.submit('Sign in', 'Ada')
      const old = visitor.copy()
      const { posted, page } = await visitor.submit('Sign out')
      expect(posted.status).toBe(303)
      expect(textOf(page.text, 'who')).toBe('not signed in')
      expect(visitor.cookie).toBe('')
      expect(textOf((await old.get('/')).text, 'who')).toBe('not signed in')
    })

    it('survives values of other types under its keys', async () => {
      const odd = { user: { name: 'Ada' }, visits: 'many', cart: [null, 'hat'] }
      const page = await (await app.guest(odd)).get('/')
      expect(page.status).toBe(200)
      expect(textOf(page.text, 'who')).toBe('not signed in')
      expect(textOf(page.text, 'cart')).toBe('empty')
    })

    it('refuses a form that another site sends', async () => {
      const visitor = app.visitor()
      await visitor.submit('Sign in', 'Ada')
      const { action, body } = fillForm((await visitor.get('/')).text, 'Sign out', '')
      const url = new URL(action, `${app.url}/`).href
      const evil = { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' }
      expect((await visitor.send('POST', url, body, evil)).status).toBeGreaterThanOrEqual(400)
      expect((await visitor.session()).view.data).toEqual({ user: 'Ada' })
    })
  })

  describe('two tabs', () => {
    it('show the same session, and signing out in one ends it in both', async () => {
      const one = app.visitor()
      await one.submit('Sign in', 'Ada')
      const other = one.copy()
      await Promise.all([one.submit('Add to cart', 'Hat'), other.submit('Add to cart', 'Scarf')])
      await Promise.all([one.submit('Count a visit'), other.submit('Count a visit')])
      for (const tab of [one, other]) {
        const { text } = await tab.get('/')
        expect(textOf(text, 'who')).toBe('Ada')
        expect(textOf(text, 'visits')).toBe('2')
        expect(textOf(text, 'cart')).toMatch(/Hat/)
        expect(textOf(text, 'cart')).toMatch(/Scarf/)
      }
      await one.submit('Sign out')
      expect(textOf((await other.get('/')).text, 'who')).toBe('not signed in')
    })
  })
}

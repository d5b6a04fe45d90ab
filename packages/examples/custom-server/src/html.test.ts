import { describe, expect, it } from 'vitest'
import { html } from './html.ts'

describe('html', () => {
  it('escapes text, in content and in attributes', () => {
    const text = `<b title="x">'&amp;'</b>`
    expect(html`<p title="${text}">${text}</p>`.markup).toBe(
      '<p title="&lt;b title=&quot;x&quot;&gt;&#39;&amp;amp;&#39;&lt;/b&gt;">' +
        '&lt;b title=&quot;x&quot;&gt;&#39;&amp;amp;&#39;&lt;/b&gt;</p>',
    )
  })

  it('takes HTML as it is, one piece or many', () => {
    const items = ['a', '<'].map((item) => html`<li>${item}</li>`)
    // prettier-ignore
    expect(html`<ul>${items}</ul>${html`<hr>`}`.markup).toBe(
      '<ul><li>a</li><li>&lt;</li></ul><hr>',
    )
  })

  it('writes numbers, and nothing for false and null', () => {
    expect(html`<p${false}>${0}${null}</p>`.markup).toBe('<p>0</p>')
  })
})

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { launchChromium } from './launch.ts'

describe('launchChromium', () => {
  it('shows a page of a local server, keeps its cookie, and can click what it shows', async () => {
    const server = createServer((request, response) => {
      response.setHeader('Set-Cookie', 'ticket=17; HttpOnly')
      response.setHeader('Content-Type', 'text/html')
      response.end(`<p>${request.headers.cookie ?? 'none'}</p><a href="/again">again</a>`)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const browser = await launchChromium()
    try {
      const page = await browser.newPage()
      await page.goto(`http://127.0.0.1:${port}/`)
      expect(await page.textContent('p')).toBe('none')
      await page.click('a')
      expect(await page.textContent('p')).toBe('ticket=17')
      expect(await page.evaluate(() => document.cookie)).toBe('')
    } finally {
      await browser.close()
      server.close()
    }
  })
})

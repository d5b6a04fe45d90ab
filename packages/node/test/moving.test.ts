import { createSessions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { createVisitor } from '@coatcheck/testing'
import type { Express, Handler } from 'express'
import express from 'express'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, expect, it, onTestFinished } from 'vitest'
import { sessionMiddleware } from '../src/express.ts'

interface Accounts {
  readonly loadUser: (find: (id: string) => Promise<{ id: number }>) => Handler
  readonly logIn: Handler
  readonly logOut: Handler
}

const page = new URL('../../docs/pages/migrating/express-session.md', import.meta.url)
const folder = fileURLToPath(new URL('../.cache/moving', import.meta.url))

async function loadProgram(): Promise<Accounts> {
  const [, code = ''] =
    /^```js\n\/\/ accounts\.mjs\n([\s\S]*?)^```$/m.exec(readFileSync(page, 'utf8')) ?? []
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'accounts.mjs')
  writeFileSync(file, code)
  return (await import(pathToFileURL(file).href)) as Accounts
}
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function listen(app: Express): Promise<string> {
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

it('the program for an app with passport signs in, loads the user of later requests, and signs out', async () => {
  const { loadUser, logIn, logOut } = await loadProgram()
  const sessions = createSessions({ store: memoryStore(), cookie: { plainHttp: true } })
  const app = express()
  app.use(sessionMiddleware(sessions))
  app.use(loadUser(async (id) => ({ id: Number(id) })))
  // What passport.authenticate(strategy, { session: false }) does after a right password.
  const authenticate: Handler = (req, _res, next) => {
    Object.assign(req, { user: { id: 42 } })
    next()
  }
  app.post('/login', authenticate, logIn)
  app.post('/logout', logOut)
  app.get('/', (req, res) => {
    const { user, isAuthenticated } = req as unknown as {
      user?: object
      isAuthenticated(): boolean
    }
    res.json({ user: user ?? null, isAuthenticated: isAuthenticated() })
  })
  const origin = await listen(app)
  const visitor = createVisitor((request) => fetch(request), { origin })
  const look = async (): Promise<unknown> => (await visitor.fetch('/')).json()
  const post = { method: 'POST', redirect: 'manual' } as const
  expect(await look()).toEqual({ user: null, isAuthenticated: false })
  expect((await visitor.fetch('/login', post)).status).toBe(303)
  expect(await look()).toEqual({ user: { id: 42 }, isAuthenticated: true })
  expect((await visitor.fetch('/logout', post)).status).toBe(303)
  expect(await look()).toEqual({ user: null, isAuthenticated: false })
})

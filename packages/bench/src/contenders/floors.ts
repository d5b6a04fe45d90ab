import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { H3 } from 'h3'
import { nodeSite } from '../drive/node-site.ts'
import { answerText, webSite } from '../drive/web-site.ts'
import type { Contender, Site } from './contender.ts'

/** Servers without a session: they answer every request with a few bytes. */
const starts: Record<string, () => Site | Promise<Site>> = {
  web: () => webSite(() => answerText('ok')),
  express() {
    const app = express()
    app.disable('x-powered-by').disable('etag')
    app.get('/:route', (_, response) => void response.end('ok'))
    return nodeSite(app)
  },
  async fastify() {
    const app = fastify()
    app.get('/:route', (_, reply) => reply.send('ok'))
    await app.ready()
    return nodeSite(app.routing, () => app.close())
  },
  hono() {
    const app = new Hono()
    app.get('/:route', (context) => context.text('ok'))
    return webSite(app.fetch)
  },
  h3() {
    const app = new H3()
    app.get('/:route', () => 'ok')
    return webSite(app.fetch)
  },
}

export const contenders: readonly Contender[] = Object.entries(starts).map(([name, start]) => ({
  name,
  store: 'none',
  floor: null,
  packages: name === 'web' ? [] : [name],
  start: async () => start(),
}))

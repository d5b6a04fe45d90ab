/**
 * A process that renews a session and is killed in the middle. Arguments: the server's address, secret, cookie, where.
 * Prints every token before using it; finally the cookie of its response.
 */
import { writeSync } from 'node:fs'
import { createSessions } from '@coatcheck/core'
import { openStore } from '../open-store.ts'
import { through } from './stores.ts'

const [, , address = '', secret = '', cookie = '', where = ''] = process.argv

const die = (): void => void process.kill(process.pid, 'SIGKILL')

const store = openStore(address, { deadline: 5000 })
const sessions = createSessions({
  store: through(store, ({ operation }) => {
    if (where === `before ${operation}`) die()
    // By then the command is in the socket, but not its reply.
    if (where === `in ${operation}`) setImmediate(die)
  }),
  secrets: [secret],
  testing: {
    random(bytes) {
      crypto.getRandomValues(bytes)
      if (bytes.length === 32) writeSync(1, `made ${Buffer.from(bytes).toString('base64url')}\n`)
      return bytes
    },
  },
})
const { session, commit } = await sessions.open(cookie)
session.data['renewed'] = true
session.renew()
const committed = await commit()
if (where === 'before the answer') die()
writeSync(1, `answered ${committed.cookie?.value}\n`)
if (where === 'after the answer') die()
store.close()

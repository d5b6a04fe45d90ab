/**
 * One of several processes that work on one session. Arguments: the server's address, the cookie, the first number, the
 * number of requests. Prints `ready`, waits for a line, sends its requests in parallel, and exits with 0 if all were
 * answered.
 */
import { createSessions, sum } from '@coatcheck/core'
import { openStore } from './open-store.ts'

const [address = '', cookie = '', from = '0', count = '0'] = process.argv.slice(2)
const store = openStore(address, { deadline: 2000 })
const sessions = createSessions<Record<string, unknown>>({ store, merge: { counter: sum } })

await store.check()
process.stdout.write('ready\n')
await new Promise((resolve) => process.stdin.once('data', resolve))

const answers = Array.from({ length: Number(count) }, (_, n) =>
  sessions.handle(
    new Request('https://app.example/', { headers: { Cookie: cookie } }),
    ({ data }) => {
      data[`own${Number(from) + n}`] = true
      data['counter'] = (data['counter'] as number) + 1
      return new Response()
    },
  ),
)
await Promise.all(answers)
store.close()
process.stdin.destroy()

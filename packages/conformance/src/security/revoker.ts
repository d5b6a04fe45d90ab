/** Another process that revokes. Arguments: memcached's address, the secret, the subject. Prints the outcome. */
import { createSessions } from '@coatcheck/core'
import { memcachedStore } from '@coatcheck/memcached'

const [address = '', secret = '', subject = ''] = process.argv.slice(2)
const store = memcachedStore({ servers: address, deadline: 2000 })
process.stdout.write(await createSessions({ store, secrets: [secret] }).revoke(subject))
store.close()

/** Another process that revokes. Arguments: the server's address, the secret, the subject. Prints the outcome. */
import { createSessions } from '@coatcheck/core'
import { openStore } from '../open-store.ts'

const [address = '', secret = '', subject = ''] = process.argv.slice(2)
const store = openStore(address, { deadline: 2000 })
process.stdout.write(await createSessions({ store, secrets: [secret] }).revoke(subject))
store.close()

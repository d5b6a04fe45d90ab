import type { LocalSession } from '@coatcheck/sveltekit'
import type { sessions } from '#lib/server/sessions.ts'

declare global {
  namespace App {
    interface Locals {
      session: LocalSession<typeof sessions>
    }
  }
}

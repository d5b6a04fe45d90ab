'use client'

import type { ReactNode } from 'react'
import { useActionState } from 'react'

export interface DeskProps {
  readonly title: string
  /** Returns what is wrong with the form. */
  readonly action: (said: string, form: FormData) => Promise<string>
  readonly button: string
  readonly children: ReactNode
}

/** A form, and the server's message about it, with JavaScript and without. */
export function Desk({ title, action, button, children }: DeskProps) {
  const [said, send] = useActionState(action, '')
  return (
    <form className="card" action={send}>
      <h2>{title}</h2>
      {children}
      <button>{button}</button>
      {said === '' ? null : <p role="alert">{said}</p>}
    </form>
  )
}

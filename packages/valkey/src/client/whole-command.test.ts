import { Command } from 'iovalkey'
import { expect, it } from 'vitest'
import type { Argument } from './driver.ts'
import { WholeCommand } from './whole-command.ts'

const large = Buffer.alloc(100_000, 'a value')

it.each<{ readonly args: readonly Argument[] }>([
  { args: ['ping'] },
  { args: ['getex', 'key', 'px', '1000'] },
  { args: ['set', 'key', '', 'nx'] },
  { args: ['set', 'key', Buffer.alloc(0), 'nx'] },
  { args: ['set', 'key', Buffer.from([0, 13, 10, 255]), 'px', '1'] },
  { args: ['evalsha', 'sha', '1', 'key', Buffer.alloc(12, 1), large] },
])('sends the bytes that the client itself would send: %#', ({ args }) => {
  const [name, ...rest] = args
  const own = new Command(name as string, [...rest], { replyEncoding: null })
  const bytes = Buffer.from(own.toWritable({}) as string)
  expect(Buffer.from(new WholeCommand(args).toWritable() as string).equals(bytes)).toBe(true)
})

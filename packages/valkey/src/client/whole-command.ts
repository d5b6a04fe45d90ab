import type { Argument, Reply } from './driver.ts'

/**
 * A command as `iovalkey` 0.4 takes it from `sendCommand`. Its own class makes three promises for each, and joins a value piece by
 * piece: that is a third of what a command costs.
 */
export class WholeCommand {
  readonly name: string
  readonly args: readonly Argument[]
  readonly promise: Promise<Reply>
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: Error) => void

  /** `args`: the command itself comes first. Texts must be ASCII. */
  constructor(args: readonly Argument[]) {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>()
    this.name = args[0] as string
    this.args = args
    this.promise = promise
    this.resolve = resolve
    this.reject = reject
  }

  toWritable(): string | Buffer {
    const { args } = this
    let text = `*${args.length}\r\n`
    if (args.every((arg) => typeof arg === 'string')) {
      for (const arg of args) text += `$${arg.length}\r\n${arg}\r\n`
      return text
    }
    const most = args.reduce((sum, { length }) => sum + length + longestFrame, longestFrame)
    const whole = Buffer.allocUnsafe(most)
    let at = 0
    for (const arg of args) {
      text += `$${arg.length}\r\n`
      if (typeof arg === 'string') text += `${arg}\r\n`
      else {
        at += whole.write(text, at, 'latin1')
        at += arg.copy(whole, at)
        text = '\r\n'
      }
    }
    at += whole.write(text, at, 'latin1')
    return whole.subarray(0, at)
  }
}

/** Bytes around an argument: a dollar sign, ten digits, and two ends of a line. */
const longestFrame = 15

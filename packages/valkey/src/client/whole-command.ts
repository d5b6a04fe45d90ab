import type { Argument, Reply } from './driver.ts'

/**
 * A command as `sendCommand` of `iovalkey` 0.4 accepts it. The library's own class creates three promises per command
 * and joins values piece by piece, a third of a command's cost.
 */
export class WholeCommand {
  readonly name: string
  readonly args: readonly Argument[]
  readonly promise: Promise<Reply>
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: Error) => void

  /** `args` begins with the command itself. Strings must be ASCII. */
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

/** The maximum bytes around an argument: a dollar sign, ten digits, and two line ends. */
const longestFrame = 15

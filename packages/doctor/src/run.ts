import { SessionError } from '@coatcheck/core'
import { StoreError } from '@coatcheck/memcached'
import { help, readArguments, UsageError } from './arguments.ts'
import type { Order } from './arguments.ts'
import { runBench } from './bench.ts'
import { diagnose } from './diagnose.ts'
import { describeBench, describeDiagnosis } from './report.ts'

/** Where a command writes. */
export interface Output {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
}

/** Carries out a command line. Resolves with the exit code: see `help`. */
export async function run(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  output: Output,
): Promise<number> {
  try {
    return await carryOut(readArguments(args, env), output)
  } catch (error) {
    if (error instanceof UsageError || isInvalidOption(error)) {
      output.err(`coatcheck: ${error.message}\nSee coatcheck --help\n`)
      return 2
    }
    // Its text holds no credentials.
    if (!(error instanceof StoreError)) throw error
    output.err(`coatcheck: ${error.message}\n`)
    return 1
  }
}

async function carryOut(order: Order, { out }: Output): Promise<number> {
  if (order.command === 'help') {
    out(help)
    return 0
  }
  if (order.command === 'bench') {
    const result = await runBench(order.options)
    out(order.json ? json(result) : describeBench(result))
    return result.timings.some(({ failed }) => failed > 0) ? 1 : 0
  }
  const diagnosis = await diagnose(order.options)
  out(order.json ? json(diagnosis) : describeDiagnosis(diagnosis))
  const fails = order.strict ? ['fault', 'warning'] : ['fault']
  return fails.includes(diagnosis.level) ? 1 : 0
}

function json(result: object): string {
  return `${JSON.stringify(result, null, 2)}\n`
}

function isInvalidOption(error: unknown): error is SessionError {
  return error instanceof SessionError && error.code === 'invalid-option'
}

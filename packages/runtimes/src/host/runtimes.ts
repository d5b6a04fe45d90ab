import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Ended } from '../case.ts'
import type { Programs } from './programs.ts'
import type { Stage } from './stage.ts'
import { startWorkerd } from './workerd.ts'

const execute = promisify(execFile)

/** A runtime, and how the suite is run on it: in one short script. */
export interface Runtime {
  readonly name: string
  readonly version: string
  readonly run: (stage: Stage, server: string) => Promise<readonly Ended[]>
}

export async function runtimesOf(programs: Programs): Promise<readonly Runtime[]> {
  const { node22, node24, node26, bun, deno } = programs
  return [
    await processRuntime('Node 22', node22),
    await processRuntime('Node 24', node24),
    await processRuntime('Node 26', node26),
    await processRuntime('Bun', bun, 'run'),
    // Without --allow-env, --allow-read and the rest.
    await processRuntime(
      'Deno',
      deno,
      'run',
      '--no-prompt',
      '--allow-net=127.0.0.1',
      '--cached-only',
    ),
    workerdRuntime(programs),
    edgeRuntime(programs),
  ]
}

function workerdRuntime(programs: Programs): Runtime {
  return {
    name: 'workerd',
    version: programs.versionOf('workerd'),
    async run(stage, server) {
      const workerd = await startWorkerd(programs, stage, server)
      try {
        return await workerd.runCases()
      } finally {
        await workerd.end()
      }
    },
  }
}

function edgeRuntime(programs: Programs): Runtime {
  return {
    name: 'edge VM',
    version: programs.versionOf('edge'),
    async run({ edge }) {
      const { EdgeVM } = (await import(programs.edgeVm)) as EdgeModule
      const vm = new EdgeVM()
      vm.evaluate(edge)
      return JSON.parse(await vm.evaluate<Promise<string>>('suite.run()')) as readonly Ended[]
    },
  }
}

interface EdgeModule {
  readonly EdgeVM: new () => { evaluate<result>(code: string): result }
}

export async function processRuntime(
  name: string,
  program: string,
  ...args: readonly string[]
): Promise<Runtime> {
  const { stdout } = await execute(program, ['--version'])
  return {
    name,
    version: /\d+\.\d+\.\d+/.exec(stdout)![0],
    async run({ folder, process }, server) {
      const how = { cwd: folder, maxBuffer: 1 << 26, timeout: 120_000 }
      const { stdout: ended } = await execute(program, [...args, process, server], how)
      return JSON.parse(ended) as readonly Ended[]
    },
  }
}

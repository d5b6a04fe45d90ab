import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Most of a run is short-lived: a larger nursery saves the collector a third of the time. */
const nursery = '--max-semi-space-size=64'

/** A script that needs more than this has a fault, and must not take the memory of the machine. */
const heap = '--max-old-space-size=400'

/** How long a script may take where nothing else is said, in milliseconds: four times as long as on an idle machine. */
export const longest = 480_000

/** Runs a script of this folder in a Node of its own; resolves with what it printed. */
export function runScript(
  script: string,
  args: readonly string[],
  limit: number = longest,
): Promise<string> {
  const file = fileURLToPath(new URL(script, import.meta.url))
  const child = spawn(process.execPath, [nursery, heap, file, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: limit,
    killSignal: 'SIGKILL',
  })
  // A test that runs out of time leaves nothing running.
  const end = (): void => void child.kill('SIGKILL')
  process.once('exit', end)
  child.once('close', () => process.removeListener('exit', end))
  const said: Buffer[] = []
  const complained: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => said.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => complained.push(chunk))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve(Buffer.concat(said).toString())
      else
        reject(new Error(`${script} ended with ${code}: ${Buffer.concat(complained).toString()}`))
    })
  })
}

/** Does `work` for every item, two at a time; the results in the items' order. */
export async function twoAtATime<item, result>(
  items: readonly item[],
  work: (item: item) => Promise<result>,
): Promise<result[]> {
  const results: result[] = []
  let next = 0
  const lane = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) {
      results[at] = await work(items[at] as item)
    }
  }
  await Promise.all([lane(), lane()])
  return results
}

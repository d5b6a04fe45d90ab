import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Most objects of a run are short-lived; a larger young generation saves a third of the garbage-collection time. */
const nursery = '--max-semi-space-size=64'

/** A script that needs more is faulty, and must not exhaust the machine's memory. */
const heap = '--max-old-space-size=400'

/** The default time limit of a script in milliseconds: four times its time on an idle machine. */
export const longest = 480_000

/** Runs a script of this folder in its own Node process; resolves with its output. */
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
  // A test that times out leaves no process running.
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

/** Calls `work` for every item, two at a time; returns the results in the order of the items. */
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

import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import type { Asked, Replayed, Surroundings } from './replay.ts'
import { Replay } from './replay.ts'
import { faultOf } from './sign-in.ts'
import type { StartPage } from './start-pages.ts'
import { startPages } from './start-pages.ts'
import type { Command } from './steps.ts'
import { stepsOfPage } from './surroundings.ts'

/** A runtime for which lines of a page have a command of their own. */
export type Runtime = 'node' | 'bun' | 'deno'

/** Follows a page in a new folder, after those that it builds on. Resolves with what is wrong; empty: nothing. */
export async function followPage(
  around: Surroundings,
  page: StartPage,
  runtime: Runtime = 'node',
): Promise<readonly string[]> {
  const replay = new Replay(around, mkdtempSync(join(around.folder, 'app-')))
  const choose = ({ command, others }: Command): string =>
    others.find((other) => other.startsWith(`${runtime} `)) ?? command
  try {
    for (const slug of page.after ?? []) {
      const earlier = startPages.find((each) => each.slug === slug) as StartPage
      await replay.follow(earlier, stepsOfPage(earlier), choose)
    }
    return faultsOf(page, await replay.follow(page, stepsOfPage(page), choose))
  } finally {
    await replay.end()
  }
}

/** What does not happen as the page says, or does not show a sign-in and a sign-out. */
export function faultsOf({ signIn }: StartPage, { asked, visits }: Replayed): readonly string[] {
  const faults = visits.map(faultOf).filter((fault) => fault !== null)
  if (signIn !== 'curl') return visits.length > 0 ? faults : ['The page starts no server']
  const wrong = asked.filter(({ printed, prints }) => prints !== null && printed !== prints)
  return [
    ...wrong.map(({ command, printed, prints }) => `${command} printed ${printed}, not ${prints}`),
    ...(showsSignIn(asked) ? [] : ['The page shows no sign-in that is followed by a sign-out']),
  ]
}

function showsSignIn(asked: readonly Asked[]): boolean {
  const users = asked.map(({ prints }) => /"user":("\w+"|null)/.exec(prints ?? '')?.[1])
  const signedIn = users.findIndex((user) => user !== undefined && user !== 'null')
  return signedIn >= 0 && users.lastIndexOf('null') > signedIn
}

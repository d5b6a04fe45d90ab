import { chromium } from 'playwright-core'
import type { Browser } from 'playwright-core'
import { chromiumNames, findProgram } from '../programs.ts'

export type { Browser }

export interface ChromiumOptions {
  /**
   * Keeps pages in the back/forward cache, like a normal browser. `goBack()` then waits for a load that never
   * comes: use `history.back()`. Default: false, like Playwright.
   */
  readonly backForwardCache?: boolean
}

/** The path of the system's chromium. */
export function findChromium(): string {
  const path = findProgram(chromiumNames)
  if (path !== undefined) return path
  throw new Error('No chromium on PATH: run node packages/harness/src/install.ts')
}

export const chromiumArguments: readonly string[] = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Starts the system's chromium, headless. The caller closes it. */
export async function launchChromium(options: ChromiumOptions = {}): Promise<Browser> {
  return chromium.launch({
    executablePath: findChromium(),
    ignoreDefaultArgs: options.backForwardCache === true ? ['--disable-back-forward-cache'] : [],
    args: [...chromiumArguments],
  })
}

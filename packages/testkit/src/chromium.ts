import { type Browser, chromium } from 'playwright-core'
import { chromiumNames, findProgram } from './programs.ts'

export type { Browser }

/** Starts the system's chromium, headless. Close it when done. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = findProgram(chromiumNames)
  if (executablePath === undefined) {
    throw new Error('No chromium on PATH: run node packages/testkit/src/install.ts')
  }
  return chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** The suite in the edge VM: no TCP, and Web Crypto alone. */
import * as core from '@coatcheck/core'
import * as memory from '@coatcheck/core/memory'
import * as byWeb from 'cryptography/web'
import { runCase } from '../case.ts'
import type { Ended } from '../case.ts'
import { casesOf } from '../cases/all.ts'

export async function run(): Promise<string> {
  const ended: Ended[] = []
  const world = { core, memory, tcp: null, cryptographies: { web: byWeb.crypto } }
  for (const each of casesOf(false)) ended.push(await runCase(each, world))
  return JSON.stringify(ended)
}

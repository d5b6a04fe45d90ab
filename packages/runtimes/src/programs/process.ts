/** The suite on a runtime that is a process: `process.mjs SERVER`. Prints what came of it as JSON. */
import * as core from '@coatcheck/core'
import * as memory from '@coatcheck/core/memory'
import * as memcached from '@coatcheck/memcached'
import * as byNode from 'cryptography/node'
import * as byWeb from 'cryptography/web'
import process from 'node:process'
import { runCase } from '../case.ts'
import type { Ended, World } from '../case.ts'
import { casesOf } from '../cases/all.ts'

const world: World = {
  core,
  memory,
  tcp: { memcached, server: process.argv[2]! },
  cryptographies: { node: byNode.crypto, web: byWeb.crypto },
}
const ended: Ended[] = []
for (const each of casesOf(true)) ended.push(await runCase(each, world))
process.stdout.write(JSON.stringify(ended), () => process.exit(0))

import { isOurs, ours } from '../contenders/names.ts'
import { Comparison } from './compare.ts'
import { goalsOf } from './goals.ts'
import type { Results, Run } from './results.ts'

/** The number of peers that a claim names besides Coatcheck, the fastest first. */
const shown = 4

/** The README's performance claims for a run. `folder`: the location of the results, for links. */
export function claimOf(results: Results, folder: string): string {
  const run = onNode24(results)
  const all = new Comparison(run.figures, results.contenders)
  const best = (key: string) =>
    all.bestPeer(['memcached', 'redis'], key, (name) => all.value(name, key, 'wall'))
  const times = (work: 'read' | 'change') => {
    const key = `${work} @64`
    const peer = best(key)
    const ratio = peer === null ? null : all.ratio(ours.sealed, peer, key, 'wall')
    if (peer === null || ratio === null) throw new Error(`The results have no peer for ${key}`)
    return { peer, ratio: ratio.toFixed(2) }
  }
  const [read, change] = [times('read'), times('change')]
  const goals = goalsOf(run, results.contenders).filter(({ met }) => met !== null)
  const met = goals.filter((goal) => goal.met).length
  const told =
    `Whole requests with a session of 200 bytes in memcached or Redis, 64 at a time, side by side on one machine (Node ` +
    `${run.node.slice(1)}, ${results.date.slice(0, 10)}). Sealed, Coatcheck takes ${read.ratio} times as long as the ` +
    `fastest other library for a request that reads (${read.peer}), and ${change.ratio} times for one that changes ` +
    `(${change.peer}).`
  const explained =
    'Changes lost: of those that were answered with 200, when fifty requests from two processes change one session. ' +
    `[All figures](${folder}requests.md); ${met} of ${goals.length} [goals](${folder}requests.md#the-goals) are met.`
  return [
    ...wrap(told),
    '',
    '| microseconds a request | read | change | sealed | changes lost |',
    '|---|---|---|---|---|',
    ...[ours.sealed, ours.unsealed, ...peersOf(run, results, all)].map((name) =>
      rowOf(name, run, all),
    ),
    '',
    ...wrap(explained),
  ].join('\n')
}

/** Wraps to lines of at most 120 characters, unless a word is longer. */
function wrap(text: string): readonly string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = `${lines.at(-1)} ${word}`.trimStart()
    if (line.length <= 120) lines.splice(-1, 1, line)
    else lines.push(word)
  }
  return lines
}

function onNode24({ runs }: Results): Run {
  const run = runs.find(({ node }) => node.startsWith('v24.')) ?? runs[0]
  if (run === undefined) throw new Error('The results have no run')
  return run
}

function peersOf(run: Run, { contenders }: Results, all: Comparison): readonly string[] {
  const value = (name: string) => all.value(name, 'read @64', 'wall') ?? Infinity
  return contenders
    .filter(({ name, store }) => !isOurs(name) && (store === 'memcached' || store === 'redis'))
    .filter(({ name }) => run.races.some(({ contender }) => contender === name))
    .map(({ name }) => name)
    .sort((left, right) => value(left) - value(right))
    .slice(0, shown)
}

function rowOf(name: string, { races }: Run, all: Comparison): string {
  const [read, change] = ['read @64', 'change @64'].map(
    (key) => all.value(name, key, 'wall')?.toFixed(0) ?? '',
  )
  const race = races.find(({ contender, processes }) => contender === name && processes === 2)
  const lost = race === undefined ? '' : `${race.lost} of ${race.confirmed}`
  const title = isOurs(name) ? `**${name}**` : name
  return `| ${title} | ${read} | ${change} | ${name === ours.sealed ? 'yes' : 'no'} | ${lost} |`
}

const begin = '<!-- speed: written by packages/bench/src/publish.ts -->'
const end = '<!-- speed: end -->'

/** The page with this text between the marks; an empty text leaves nothing between them. `null`: it has no marks. */
export function putBetween(page: string, text: string): string | null {
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from < 0 || to < from) return null
  const between = text === '' ? '\n' : `\n\n${text}\n\n`
  return page.slice(0, from) + begin + between + page.slice(to)
}

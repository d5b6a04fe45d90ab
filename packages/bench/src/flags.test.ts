import { expect, it } from 'vitest'
import { chosen, readFlags } from './flags.ts'

it('without options everything is measured, on both versions of Node', () => {
  expect(readFlags([])).toMatchObject({
    isWhole: true,
    node: ['24', '26'],
    parts: ['time', 'traffic', 'races', 'outages', 'growth'],
    rounds: 9,
  })
})

it('a part of the whole is not the whole, so that it does not replace the results', () => {
  for (const args of [['--quick'], ['--only', 'x'], ['--work', 'x'], ['--parts', 'time']]) {
    expect(readFlags(args)).toMatchObject({ isWhole: false, node: [] })
  }
})

it('the goals are kept like the whole, on the Node that runs them', () => {
  expect(readFlags(['--goals'])).toMatchObject({
    goals: true,
    isWhole: true,
    node: [],
    parts: ['time', 'traffic', 'races', 'growth'],
  })
  expect(readFlags(['--goals', '--only', 'x'])).toMatchObject({ isWhole: false, parts: ['time'] })
})

it('a narrow choice is timed, and nothing else', () => {
  expect(readFlags(['--only', 'a', '--only', 'b'])).toMatchObject({
    only: ['a', 'b'],
    parts: ['time'],
  })
  expect(readFlags(['--only', 'a', '--parts', 'races,time'])?.parts).toEqual(['races', 'time'])
})

it('refuses what it does not know', () => {
  expect(() => readFlags(['--rounds', '0'])).toThrow('--rounds must be a whole number')
  expect(() => readFlags(['--sample', 'long'])).toThrow('--sample must be a whole number')
  expect(() => readFlags(['--parts', 'speed'])).toThrow('--parts takes')
  expect(() => readFlags(['--fast'])).toThrow('--fast')
})

it('help is not a run', () => {
  expect(readFlags(['--help'])).toBeNull()
})

it('chosen', () => {
  expect(chosen('Coatcheck, memory', [])).toBe(true)
  expect(chosen('Coatcheck, memory', ['memcached', 'memory'])).toBe(true)
  expect(chosen('Coatcheck, memory', ['memcached'])).toBe(false)
})

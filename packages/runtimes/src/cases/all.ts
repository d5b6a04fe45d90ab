import type { Case } from '../case.ts'
import { expiryAndOutcomes } from './expiry-and-outcomes.ts'
import { failureCases } from './failures.ts'
import { headersAndLazy } from './headers-and-lazy.ts'
import { sealing } from './sealing.ts'
import { stores } from './stores.ts'
import { tokensAndCookies } from './tokens-and-cookies.ts'
import { valuesAndMerge } from './values-and-merge.ts'

const withoutTcp: readonly Case[] = [
  ...tokensAndCookies,
  ...sealing,
  ...valuesAndMerge,
  ...expiryAndOutcomes,
  ...failureCases,
  ...headersAndLazy,
]

/** The cases of a runtime with TCP, or without. */
export function casesOf(hasTcp: boolean): readonly Case[] {
  const all = [...withoutTcp, ...stores]
  return hasTcp ? all : all.filter(({ feature }) => !feature.startsWith('memcached'))
}

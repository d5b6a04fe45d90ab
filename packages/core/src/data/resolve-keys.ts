import type { Block, Contest, Settle } from '../rules/diff-and-merge.ts'
import { ours } from '../rules/diff-and-merge.ts'
import { SessionError } from '../errors.ts'
import type { AnyResolver, Resolver } from '../rules/resolvers.ts'
import { decodeValue, encodeValue, propertyName } from './value.ts'

/** The resolver of a key; `undefined`: the later save wins. */
export type ResolverOf = (key: string) => AnyResolver | undefined

/** A resolver for a value of this type, or any resolver if the type is unknown. */
type ResolverFor<value> = unknown extends value ? AnyResolver : Resolver<Exclude<value, undefined>>

/** How keys that two requests changed are merged: a resolver for each key, or a function that returns one for a key. */
export type Merge<data extends object> =
  | { readonly [key in keyof data]?: ResolverFor<data[key]> }
  | ((key: string) => AnyResolver | undefined)

/** Merges encoded values with resolvers. Throws `merge-failed` if a resolver throws. */
export function settleWith(resolverOf: ResolverOf): Settle {
  return (key, contest) => {
    const resolver = resolverOf(key)
    return resolver === undefined ? ours(key, contest) : settleOne(key, contest, resolver)
  }
}

function settleOne(key: string, contest: Contest, resolver: AnyResolver): Block | undefined {
  const value = resolve(key, resolver as Resolver<unknown>, {
    base: decode(key, contest.base),
    ours: decode(key, contest.ours),
    theirs: decode(key, contest.theirs),
  })
  return value === undefined ? undefined : encodeValue(key, value)
}

function decode(key: string, block: Block | undefined): unknown {
  return block === undefined ? undefined : decodeValue(key, block)
}

function resolve(
  key: string,
  resolver: Resolver<unknown>,
  versions: Parameters<Resolver<unknown>>[0],
): unknown {
  try {
    return resolver(versions)
  } catch (cause) {
    throw new SessionError(
      'merge-failed',
      `The resolver of session.data${propertyName(key)} failed. Nothing was saved`,
      { cause },
    )
  }
}

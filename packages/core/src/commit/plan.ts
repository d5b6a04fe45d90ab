import { idPrefixOf } from '../events.ts'
import type { CookieForm } from '../http/cookie.ts'
import { setsToken } from '../http/read-token.ts'
import type { CookieSource, Transport } from '../http/transport.ts'
import type { Found } from '../load/load.ts'
import type { Blocks, Changes } from '../rules/diff-and-merge.ts'
import { diff, isEmpty } from '../rules/diff-and-merge.ts'
import { isDue } from '../rules/lifetime.ts'
import type { Outcome } from '../rules/next-step.ts'
import { movesToken, nextStep } from '../rules/next-step.ts'
import type { SessionControl } from '../session/control.ts'
import type { Device } from '../store/device-key.ts'
import type { CommitContext } from './context.ts'
import { beginRecord, replay } from './edit.ts'
import type { Edit, Write, Written } from './edit.ts'

/** What a commit has to do, decided before any command is sent. */
export type Plan =
  | { readonly step: 'nothing'; readonly outcome: Outcome }
  | { readonly step: 'destroy'; readonly found: Found }
  | { readonly step: 'create'; readonly edit: Edit }
  | Write

export interface FormerCookies {
  readonly forms: readonly CookieForm[]
  /** Whether the session was found through one of them. */
  readonly hasToken: boolean
}

/** A session that is open and not yet committed. */
export interface OpenSession {
  readonly found: Found
  /** The data as loaded, after the schema if there is one. */
  readonly base: Blocks
  readonly control: SessionControl
  /** Increases with every load in this process. */
  readonly order: number
  /** The request or `Cookie` header that the session was loaded from. */
  readonly source?: CookieSource
  readonly transport?: Transport
  /** Set if the request has former cookies. */
  readonly former?: FormerCookies | undefined
  /** Whether the request counts as a use of the session and may get a new token. Default: true. */
  readonly touch?: boolean
  /** Whether the session was opened with a token that the browser may not have yet. Default: false. */
  readonly isUnsent?: boolean | undefined
  /** The handler's response, if it is known. */
  answer?: Response | undefined
  /** The result of the commit, once there is one. */
  written?: Written
}

/**
 * Reads what the handler did and decides what to write. Throws a `SessionError`, with nothing sent, if the
 * session holds a value that cannot be stored, is too large, or a resolver fails.
 */
export function planCommit(context: CommitContext, open: OpenSession): Plan {
  const { control, order, touch = true, isUnsent } = open
  const { state, loaded } = open.found
  const { intent } = control.asked
  const changes = readChanges(control, open.base)
  const isAsked = !isEmpty(changes) || control.newRoot !== null
  const usesToken =
    !isUnsent && loaded?.record.isTokenUnused && !loaded.isForwarded
      ? loaded.record.rotatedAt
      : null
  const isTokenDue =
    touch && loaded !== null && isDue(context.lifetime, loaded.record, context.now())
  const next = nextStep(state, intent, isAsked || usesToken !== null, isTokenDue)
  if (next.do === 'nothing') return { step: 'nothing', outcome: next.outcome }
  if (next.do === 'destroy') return { step: 'destroy', found: open.found }
  // As with a moved token: the cookie of a new session would replace that of a sign-in.
  if (
    next.do === 'create' &&
    intent !== 'sign-in' &&
    setsToken(open.answer, context.cookieFor(open.source, open.transport))
  ) {
    return { step: 'nothing', outcome: 'moved' }
  }
  const edit = editOf(context, open, changes, { isAsked, usesToken })
  if (next.do === 'create' || loaded === null) return { step: 'create', edit }
  return { step: next.do, edit, loaded, order }
}

/** Whether the handler asked for anything that must be written or shown in the response. */
export function isChanged({ control, base }: OpenSession): boolean {
  const { intent } = control.asked
  if (intent !== 'keep') return intent !== 'discard'
  return control.newRoot !== null || !isEmpty(readChanges(control, base))
}

/** The handler's changes. None for `destroy` and `discard`, so that an invalid value cannot fail a sign-out. */
function readChanges({ asked: { intent }, data, unheard }: SessionControl, base: Blocks): Changes {
  if (intent === 'destroy' || intent === 'discard') return diff(base, base)
  if (unheard > 0) throw new TypeError(notAwaited)
  return diff(base, data.blocks())
}

/** An unawaited `if (!session.verifyCsrf(token))` would accept every form, since a promise is truthy. */
const notAwaited = 'Coatcheck: session.verifyCsrf() was not awaited'

function editOf(
  context: CommitContext,
  open: OpenSession,
  changes: Changes,
  { isAsked, usesToken }: Pick<Edit, 'isAsked' | 'usesToken'>,
): Edit {
  const { control, base } = open
  const { intent, signIn, reauthenticated } = control.asked
  const loaded = open.found.loaded?.record ?? null
  const isRenewed = movesToken(intent)
  const taken = control.data.taken()
  const root = loaded === null || isRenewed ? control.freshRoot() : loaded.root
  const start = loaded ?? beginRecord(context, context.now(), root, base)
  const offer = offerOf(context, control)
  const replayed = { base, changes, taken, usesToken, version: start.version, signIn, offer }
  return {
    ...replayed,
    record: replay(start, replayed, context),
    isRenewed,
    restart: signIn !== null || reauthenticated,
    root,
    isAsked: isAsked || isRenewed,
  }
}

/** Every sign-in makes a new offer, so that a previous holder of the session cannot have chosen its device. */
function offerOf(
  { deviceBound, now, random }: CommitContext,
  { asked: { signIn }, start }: SessionControl,
): Device | undefined {
  const isOffered = signIn !== null && signIn.bindsDevice !== false && start.isSecure
  return isOffered ? deviceBound?.offer(now(), random) : undefined
}

/** Warns of session fixation: the token stays the same, so a client that already knew it is signed in as well. */
export function warnOfFixation(context: CommitContext, open: OpenSession, plan: Plan): void {
  if (plan.step !== 'save' && plan.step !== 'rotate') return
  const { set } = plan.edit.changes
  const key = context.authKeys.find((each) => set.has(each) && !open.base.has(each))
  const id = open.found.loaded?.address.id
  if (key !== undefined && id !== undefined) {
    context.onEvent({ type: 'fixation.risk', idPrefix: idPrefixOf(id), key })
  }
}

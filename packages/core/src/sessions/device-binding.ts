import type { CommitContext } from '../commit/context.ts'
import { replaceDevice } from '../commit/replace-device.ts'
import type { DeviceAccess, OpenDevice } from '../device/device-binding.ts'
import { idPrefixOf } from '../events.ts'
import type { CookieForm } from '../http/cookie.ts'
import { readCookies } from '../http/cookie.ts'
import { cookieHeader, readPresented } from '../http/read-token.ts'
import type { Presented } from '../http/read-token.ts'
import type { CookieSource } from '../http/transport.ts'
import type { Found } from '../load/load.ts'
import { insecure, load, nothingFound } from '../load/load.ts'
import type { DeviceStanding } from '../rules/device-standing.ts'
import { isUnproven } from '../rules/device-standing.ts'
import { within } from './context-per-request.ts'
import { shape } from './shape.ts'

/** A session, and whether the request has proved that it comes from the device that the session is bound to. */
export interface Judged {
  readonly found: Found
  readonly device: DeviceStanding
}

/** Costs nothing for a session that is not bound. */
export function judge(
  context: CommitContext,
  found: Found,
  source: CookieSource,
  form: CookieForm | null,
): Judged | Promise<Judged> {
  const device = found.loaded?.record.device
  const { deviceBound, now } = context
  if (device === undefined || deviceBound === null || form === null) {
    return { found, device: 'unbound' }
  }
  const standing = deviceBound.standing(device, cookieHeader(source), form, now())
  return standing instanceof Promise
    ? standing.then((known) => judgeAs(context, found, source, known))
    : judgeAs(context, found, source, standing)
}

function judgeAs(
  { deviceBound, onEvent }: CommitContext,
  found: Found,
  source: CookieSource,
  device: DeviceStanding,
): Judged {
  if (device !== 'stale' || found.address === null) return { found, device }
  const idPrefix = idPrefixOf(found.address.id)
  onEvent({ type: 'device.stale', idPrefix, skipped: skippedBy(source) })
  if (!isUnproven(deviceBound?.mode ?? 'prefer', device)) return { found, device }
  return { found: { ...nothingFound, state: 'unproven', address: found.address }, device }
}

/** Why the browser says that it sent no proof. */
function skippedBy(source: CookieSource): 'unreachable' | 'server_error' | 'quota_exceeded' | null {
  if (source === null || typeof source !== 'object') return null
  const said = source.headers.get('Secure-Session-Skipped') ?? ''
  const [reason] = /\b(?:unreachable|server_error|quota_exceeded)\b/.exec(said) ?? []
  return (reason as ReturnType<typeof skippedBy> | undefined) ?? null
}

/** Answers the browser's registrations and refreshes; `null`: the request is another one. */
export async function answerDeviceBinding(
  context: CommitContext,
  request: Request,
): Promise<Response | null> {
  const { deviceBound } = context
  if (deviceBound === null) return null
  return within(context, async (own) => deviceBound.answer(request, accessOf(own, request)))
}

function accessOf(context: CommitContext, request: Request): DeviceAccess {
  const { now, onEvent } = context
  return { now, onEvent, open: () => openDevice(context, request) }
}

async function openDevice(context: CommitContext, request: Request): Promise<OpenDevice> {
  const form = context.cookieFor(request)
  const presented = form && readPresented(request, form, context.onEvent)
  const reading = presented === null ? insecure : await read(context, request, presented)
  const { found } = await shape(context, reading)
  const { loaded } = found
  const order = context.loads.count++
  const device = loaded?.record.device
  return {
    state: isOver(found) ? 'nothing' : found.state,
    idPrefix: found.address && idPrefixOf(found.address.id),
    form,
    device,
    async replace(to) {
      if (loaded === null || device === undefined) return 'gone'
      const outcome = await replaceDevice(context, loaded, order, { from: device, to })
      if (outcome === 'saved' || outcome === 'changed' || outcome === 'gone') return outcome
      return 'unavailable'
    },
  }
}

async function read(
  context: CommitContext,
  request: Request,
  { token, form, former }: Presented,
): Promise<Found> {
  // The browser may do it ahead of time, by itself: it is no use of the session.
  if (token !== null) return load(context, token, false)
  // A sibling domain may plant a cookie for this path alone: the session may live on.
  const isAmbiguous = former.length > 0 || readCookies(cookieHeader(request), form.name).length > 0
  return isAmbiguous ? { ...nothingFound, state: 'unavailable' } : nothingFound
}

/** A session that is being signed out is over; another one that cannot be read here may be read by another process. */
function isOver({ state, why }: Found): boolean {
  return state === 'unreadable' && why === 'signing-out'
}

import type { CommitContext } from '../commit/context.ts'
import { replaceDevice } from '../commit/replace-device-key.ts'
import type { DeviceAccess, OpenDevice } from '../device/device-binding.ts'
import { idPrefixOf } from '../events.ts'
import { readCookies } from '../http/cookie.ts'
import { cookieHeader, readPresented } from '../http/read-token.ts'
import type { Presented } from '../http/read-token.ts'
import type { Found } from '../load/load.ts'
import { insecure, load, nothingFound } from '../load/load.ts'
import { within } from './context-per-request.ts'
import { shape } from './shape.ts'

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

import type { CommitContext } from '../commit/context.ts'
import { replaceDevice } from '../commit/replace-device-key.ts'
import { isToken } from '../crypto/token.ts'
import type { DeviceAccess, Fits, OpenDevice } from '../device/device-binding.ts'
import { idPrefixOf } from '../events.ts'
import { readCookies } from '../http/cookie.ts'
import { cookieHeader, readPresented } from '../http/read-token.ts'
import type { Presented } from '../http/read-token.ts'
import type { Found } from '../load/load.ts'
import { insecure, load, nothingFound } from '../load/load.ts'
import { within } from './context-per-request.ts'
import { shape } from './shape.ts'

/** Answers the browser's registration and refresh requests; `null` for any other request. */
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
  return { now, onEvent, open: (fits) => openDevice(context, request, fits) }
}

async function openDevice(
  context: CommitContext,
  request: Request,
  fits: Fits,
): Promise<OpenDevice> {
  const form = context.cookieFor(request)
  const presented = form && readPresented(request, form, context.onEvent)
  const reading = presented === null ? insecure : await read(context, request, presented, fits)
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
      const change = { from: device, to }
      const outcome = await replaceDevice(context, loaded, order, change, found.isSeenDue)
      if (outcome === 'saved' || outcome === 'changed' || outcome === 'gone') return outcome
      return 'unavailable'
    },
  }
}

/** The maximum number of session cookies per name to try. Each may cost a round trip. */
const mostTokens = 32

/**
 * Loads the session without counting a use, because the browser may refresh on its own, ahead of time. Of several
 * session cookies, the right one is that whose session the browser names, or that was offered to be bound: only the
 * server chooses these names.
 */
async function read(
  context: CommitContext,
  request: Request,
  { token, form, former }: Presented,
  fits: Fits,
): Promise<Found> {
  if (token !== null) return load(context, token, false)
  const header = cookieHeader(request)
  const values = [form, ...former].flatMap(({ name }) => readCookies(header, name, mostTokens))
  for (const value of values.filter(isToken)) {
    const found = await load(context, value, false)
    const device = found.loaded?.record.device
    if (device !== undefined && (await fits(device))) return found
  }
  // The session may still be alive.
  return values.length > 0 ? { ...nothingFound, state: 'unavailable' } : nothingFound
}

/** A session that is being signed out has ended. Another unreadable session may be readable by another process. */
function isOver({ state, why }: Found): boolean {
  return state === 'unreadable' && why === 'signing-out'
}

import { ServerResponse } from 'node:http'

/** Throws now what Node would throw on sending this head, when the handler could no longer catch it. */
export function checkHead(
  { req }: ServerResponse,
  status: unknown,
  statusMessage: unknown = '',
): void {
  const isValid = Number.isInteger(status) && Number(status) >= 100 && Number(status) <= 999
  if (isValid && /^[\t -~]*$/.test(String(statusMessage))) return
  new ServerResponse(req).writeHead(status as number, String(statusMessage))
}

/**
 * The same for `writeHead` after the first byte. Repeating the same status is allowed, as older versions of compression
 * do.
 */
export function checkSecondHead(
  { req, statusCode }: ServerResponse,
  args: readonly unknown[],
): void {
  if (args.length === 1 && args[0] === statusCode) return
  new ServerResponse(req).writeHead(statusCode).writeHead(statusCode)
}

/** The same for a method that changes the headers, after the first byte. */
export function checkLateHeader(
  { req }: ServerResponse,
  name: 'setHeader' | 'appendHeader' | 'removeHeader',
): void {
  new ServerResponse(req).writeHead(200)[name]('X-Late', '')
}

/** The same for the arguments of `write` or `end`. */
export function checkBody(
  { req }: ServerResponse,
  name: 'write' | 'end',
  [chunk]: readonly unknown[],
): void {
  if (typeof chunk === 'string' || chunk instanceof Uint8Array) return
  const hasNone = chunk === undefined || chunk === null || typeof chunk === 'function'
  if (name === 'write' || !hasNone) new ServerResponse(req).write(chunk)
}

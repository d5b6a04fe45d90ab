import { ServerResponse } from 'node:http'

/** Throws now what Node would throw as it sends this head: by then, the handler could not catch it. */
export function checkHead(
  { req }: ServerResponse,
  status: unknown,
  statusMessage: unknown = '',
): void {
  const isValid = Number.isInteger(status) && Number(status) >= 100 && Number(status) <= 999
  if (isValid && /^[\t -~]*$/.test(String(statusMessage))) return
  new ServerResponse(req).writeHead(status as number, String(statusMessage))
}

/** The same of `writeHead` after the first byte. Older versions of compression repeat the status for every piece: it may. */
export function checkSecondHead(
  { req, statusCode }: ServerResponse,
  args: readonly unknown[],
): void {
  if (args.length === 1 && args[0] === statusCode) return
  new ServerResponse(req).writeHead(statusCode).writeHead(statusCode)
}

/** The same of a method that changes the headers, after the first byte. */
export function checkLateHeader(
  { req }: ServerResponse,
  name: 'setHeader' | 'appendHeader' | 'removeHeader',
): void {
  new ServerResponse(req).writeHead(200)[name]('X-Late', '')
}

/** The same of the arguments of `write` or `end`. */
export function checkBody(
  { req }: ServerResponse,
  name: 'write' | 'end',
  [chunk]: readonly unknown[],
): void {
  if (typeof chunk === 'string' || chunk instanceof Uint8Array) return
  const hasNone = chunk === undefined || chunk === null || typeof chunk === 'function'
  if (name === 'write' || !hasNone) new ServerResponse(req).write(chunk)
}

import { Refusal } from './refusal.ts'

const longestBody = 64 * 1024

/** A longer body is read to here, so that its sender hears the answer, but not kept. */
const longestReading = 16 * longestBody

const decoder = new TextDecoder('utf-8', { fatal: true })

/** The body of a request as JSON that is an object. */
export async function readObject(request: Request): Promise<Record<string, unknown>> {
  const value = parse(await readText(request))
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>
  }
  throw new Refusal(400, 'The body must be a JSON object')
}

/** The fields of a form that was sent without files. */
export async function readForm(request: Request): Promise<URLSearchParams> {
  return new URLSearchParams(await readText(request))
}

async function readText(request: Request): Promise<string> {
  const bytes = await readBytes(request)
  try {
    return decoder.decode(bytes)
  } catch {
    throw new Refusal(400, 'The body must be UTF-8')
  }
}

async function readBytes(request: Request): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of request.body ?? []) {
    length += chunk.length
    if (length <= longestBody) chunks.push(chunk)
    if (length > longestReading) break
  }
  if (length > longestBody) throw new Refusal(400, 'The body must have at most 64 KiB')
  return Buffer.concat(chunks)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Refusal(400, 'The body must be JSON')
  }
}

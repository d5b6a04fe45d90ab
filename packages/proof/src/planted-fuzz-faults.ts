import type { Edit } from './planted-fault.ts'

/** A fault of the core's parsers, and the number of inputs within which the fuzzer must find it. */
export interface PlantedFuzzFault {
  readonly name: string
  readonly what: 'cookies' | 'bytes'
  readonly within: number
  readonly edits: readonly Edit[]
}

function plant(
  what: PlantedFuzzFault['what'],
  name: string,
  within: number,
  file: string,
  find: string,
  put: string,
): PlantedFuzzFault {
  return { name, what, within, edits: [{ file, find, put }] }
}

export const plantedFuzzFaults: readonly PlantedFuzzFault[] = [
  plant(
    'cookies',
    'strips all that Unicode calls a space',
    1000,
    'http/cookie.ts',
    'return text.slice(from, to)',
    'return text.slice(from, to).trim()',
  ),
  plant(
    'cookies',
    'ignores the case of a name',
    1000,
    'http/cookie.ts',
    'strip(header, at, equals) === name',
    'strip(header, at, equals).toLowerCase() === name.toLowerCase()',
  ),
  plant(
    'cookies',
    'takes the first of two cookies',
    1000,
    'http/read-token.ts',
    'if (values.length > 1) onEvent',
    'if (values.length > 9) onEvent',
  ),
  plant(
    'cookies',
    'takes the last = of a pair',
    1000,
    'http/cookie.ts',
    'values.push(strip(header, equals + 1, end))',
    "values.push(strip(header, header.lastIndexOf('=', end - 1) + 1, end))",
  ),
  plant(
    'cookies',
    'takes a token that is not canonical',
    1000,
    'crypto/token.ts',
    '{42}[AEIMQUYcgkosw048]$/',
    '{43}$/',
  ),
  plant(
    'bytes',
    'lets a decoder error out of open',
    1000,
    'data/record-frame.ts',
    `isWellFormed(bytes) ? decoder.decode(bytes) : null
    return Array.isArray(frame) ? (frame as unknown[]) : null
  } catch {
    return null`,
    `isWellFormed(bytes) ? decoder.decode(bytes) : bytes.at(0)
    return frame
  } catch (error) {
    throw error`,
  ),
  plant(
    'bytes',
    'believes what a length announces',
    20_000,
    'data/wire-format.ts',
    'return endOfValue(bytes, 0, bytes.length, 0) === bytes.length',
    'return true',
  ),
  plant(
    'bytes',
    'opens a record without a look at its seal',
    1000,
    'crypto/sealed-frame.ts',
    'if (!hasHead(sealed)) return null',
    'return bytes',
  ),
]

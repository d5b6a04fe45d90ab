import type { Edit } from './plants.ts'

/** A fault of the core's readers, and within how many inputs the fuzzer finds it. */
export interface FuzzPlant {
  readonly name: string
  readonly what: 'cookies' | 'bytes'
  readonly within: number
  readonly edits: readonly Edit[]
}

function plant(
  what: FuzzPlant['what'],
  name: string,
  within: number,
  file: string,
  find: string,
  put: string,
): FuzzPlant {
  return { name, what, within, edits: [{ file, find, put }] }
}

export const fuzzPlants: readonly FuzzPlant[] = [
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
    'sessions/sessions.ts',
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
    'store/record.ts',
    'return isWellFormed(bytes) ? decoder.decode(bytes) : null\n  } catch {\n    return null',
    'return isWellFormed(bytes) ? decoder.decode(bytes) : bytes.at(0)\n  } catch (error) {\n    throw error',
  ),
  plant(
    'bytes',
    'believes what a length announces',
    20_000,
    'data/well-formed.ts',
    'return endOfValue(bytes, 0, bytes.length, 0) === bytes.length',
    'return true',
  ),
  plant(
    'bytes',
    'opens a record without a look at its seal',
    1000,
    'crypto/seal.ts',
    'if (sealed.length < headLength || sealed[0] !== version) return null',
    'return bytes',
  ),
]

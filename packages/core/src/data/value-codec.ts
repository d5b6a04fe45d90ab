import {
  Decoder,
  Encoder,
  ExtData,
  decodeTimestampExtension,
  encodeTimestampExtension,
} from '@msgpack/msgpack'
import type { ExtensionCodecType } from '@msgpack/msgpack'
import { extension } from './wire-format.ts'

const none = new Uint8Array(0)
/** Represents `undefined`, which MessagePack lacks. */
export const undefinedMark: ExtData = new ExtData(extension.undefined, none)
/** Represents -0, which MessagePack encodes as 0. */
export const negativeZeroMark: ExtData = new ExtData(extension.negativeZero, none)

const codec: ExtensionCodecType<undefined> = {
  tryToEncode(input) {
    if (input instanceof ExtData) return input
    if (typeof input === 'bigint') return new ExtData(extension.bigint, encodeBigint(input))
    if (input instanceof Date) return new ExtData(extension.date, timestamp(input))
    if (input instanceof Map) {
      return new ExtData(extension.map, encoder.encode([...input].flat(1)))
    }
    if (input instanceof Set) return new ExtData(extension.set, encoder.encode([...input]))
    if (input instanceof Uint8Array) return new ExtData(extension.bytes, input)
    return null
  },
  decode(bytes, type) {
    switch (type) {
      case extension.date:
        return decodeTimestampExtension(bytes)
      case extension.undefined:
        return undefined
      case extension.negativeZero:
        return -0
      case extension.bigint:
        return decodeBigint(bytes)
      case extension.map:
        return new Map(pairs(asArray(decoder.decode(bytes))))
      case extension.set:
        return new Set(asArray(decoder.decode(bytes)))
      case extension.bytes:
        // Not bytes.slice(): on a Node Buffer it returns a view.
        return new Uint8Array(bytes)
      default:
        throw new TypeError('an unknown extension')
    }
  },
}

/** Expects input that `value.ts` has checked and prepared. */
export const encoder: Encoder = new Encoder({ extensionCodec: codec })
export const decoder: Decoder = new Decoder({ extensionCodec: codec })

function timestamp(date: Date): Uint8Array {
  return encodeTimestampExtension(date) ?? none
}

/** Hexadecimal, because parsing decimal takes time quadratic in the length. */
function encodeBigint(value: bigint): Uint8Array {
  const digits = (value < 0n ? -value : value).toString(16)
  return new TextEncoder().encode(value < 0n ? `-${digits}` : digits)
}

function decodeBigint(bytes: Uint8Array): bigint {
  const text = new TextDecoder().decode(bytes)
  return text.startsWith('-') ? -BigInt(`0x${text.slice(1)}`) : BigInt(`0x${text}`)
}

function asArray(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new TypeError('not an array')
  return value
}

function* pairs(flat: readonly unknown[]): Generator<[unknown, unknown]> {
  if (flat.length % 2 !== 0) throw new TypeError('a key without a value')
  for (let at = 0; at < flat.length; at += 2) yield [flat[at], flat[at + 1]]
}

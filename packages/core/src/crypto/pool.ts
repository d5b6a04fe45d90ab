import { crypto } from '#crypto'
import type { Crypto } from './primitives.ts'

/** The memory that bytes are in, for rooms that have no cryptography. */
export const pool: Pick<Crypto, 'allocate' | 'own' | 'keep'> = crypto

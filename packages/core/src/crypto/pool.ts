/** The memory that bytes are in, for rooms that have no cryptography: `allocate`, `own` and `keep` alone. */
export { crypto as pool } from '#crypto'

import { createHash } from 'node:crypto'

/** A script, and its name in the server's script cache. */
export interface Script {
  readonly text: string
  readonly sha: string
}

function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}

/** The length of a version in bytes, at the beginning of every value. */
export const versionBytes = 12

const last = versionBytes - 1

/** GETEX fails on a server that has become a replica, whose data must not be trusted. */
const compare = `local v=redis.call('GETRANGE',KEYS[1],0,${last})
if v~=ARGV[1] then
redis.call('GETEX',KEYS[1])
if v=='' then return -1 end
return 0
end`

/** KEYS: the record. ARGV: its version, the new value, PX or PXAT, milliseconds. 1: saved, 0: another version, -1: none. */
export const saveScript: Script = script(
  `${compare}
redis.call('SET',KEYS[1],ARGV[2],ARGV[3],ARGV[4])
return 1`,
)

/** KEYS: the record. ARGV: its version. 1: deleted, 0: another version, -1: none. */
export const deleteScript: Script = script(
  `${compare}
redis.call('DEL',KEYS[1])
return 1`,
)

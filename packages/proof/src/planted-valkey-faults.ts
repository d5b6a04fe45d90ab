import type { Edit } from './planted-fault.ts'

/** Faults in the Valkey store's source that tests of single commands would not detect. */
export const plantedValkeyFaults = {
  'a save ignores the version': [
    {
      file: 'server/script.ts',
      find: "`${compare}\nredis.call('SET'",
      put: "`local v=redis.call('GETRANGE',KEYS[1],0,${last})\nif v=='' then return -1 end\nredis.call('SET'",
    },
  ],
  'a save creates what is missing': [
    {
      file: 'server/script.ts',
      find: "`${compare}\nredis.call('SET'",
      put: "`local v=redis.call('GETRANGE',KEYS[1],0,${last})\nif v~='' and v~=ARGV[1] then return 0 end\nredis.call('SET'",
    },
  ],
  'a version comes again': [
    {
      file: 'store/versions.ts',
      find: 'const from = this.#next++ * versionBytes',
      put: 'const from = 0 * this.#next++',
    },
  ],
} as const satisfies Readonly<Record<string, readonly Edit[]>>

export type ValkeyFault = keyof typeof plantedValkeyFaults

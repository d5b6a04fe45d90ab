/** Commands without a session, so it cannot lose any. */
export const raw = 'raw memcached'

/** The contenders used in the goals. */
export const ours = {
  memory: 'Coatcheck, memory',
  sealed: 'Coatcheck, memcached',
  unsealed: 'Coatcheck, memcached, unsealed',
} as const

export const fastifyMemory = '@fastify/session, memory'

export const isOurs = (name: string): boolean => name.startsWith('Coatcheck')

/** Commands without a session: it has nothing to lose. */
export const raw = 'raw memcached'

/** Those that the goals speak of. */
export const ours = {
  memory: 'Coatcheck, memory',
  sealed: 'Coatcheck, memcached',
  unsealed: 'Coatcheck, memcached, unsealed',
} as const

export const fastifyMemory = '@fastify/session, memory'

export const isOurs = (name: string): boolean => name.startsWith('Coatcheck')

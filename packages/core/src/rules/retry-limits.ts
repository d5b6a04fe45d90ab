/** The maximum number of writes of a save or a move. */
export const maxTries = 16

/** The maximum number of tokens tried for a new record. */
export const maxClaims = 16

/** The maximum number of writes for a change of a subject's list. */
export const maxListTries = 16

/** The maximum number of moves that are followed to find a session. A sign-out counts its deletes as well. */
export const maxHops = 16

/** How often an asynchronous schema is called for data that keeps changing. */
export const maxSchemaAsks = 16

/** The milliseconds of event-loop time after a commit's first failed write in which it may start another write. */
export const maxDuration = 1000

/**
 * Whether a save or a move gives up. `waits`: how often it waited for a move instead of trying. `passed`: milliseconds
 * since the first failed try.
 */
export function givesUp(tries: number, waits: number, passed: number): boolean {
  return tries >= maxTries || waits >= maxWaits || passed >= maxDuration
}

/**
 * After this many milliseconds, at most twice as many, other commits of the session in this process stop waiting for a
 * batch.
 */
export const maxBatchTime = 5000

/**
 * The maximum time that a move makes other writers wait, in milliseconds. A record with a longer time comes from
 * another clock and is ignored.
 */
export const movingLife = 500

/** How often a move tries to hold the record before it pauses, if other writers change the session each time. */
export const holdsPerTry = 16

/** How many of these holds may go unanswered: each of those takes as long as a command's deadline. */
export const holdsInOutage = 4

/** How often a save checks whether a move has ended. */
export const maxWaits = 64

/** Whether a request is moving the session right now. `movingUntil`: 0 if none is. */
export function isMoving(movingUntil: number, now: number): boolean {
  return movingUntil > now && movingUntil - now <= movingLife
}

/** From this number of tries on, the wait has its maximum length. */
export const triesToLongestWait = 6

/**
 * Milliseconds to wait before the next try: up to 2, 4, 8 … 64, so that colliding writers do not collide again.
 * `chance`: a random number from 0 to 1.
 */
export function backoffTime(chance: number, tries: number): number {
  return chance * Math.min(64, 2 ** tries)
}

/**
 * Where each request works on its own: the maximum time that a commit makes the session's other commits wait, in
 * milliseconds. A commit whose request was cancelled never reports its end.
 */
export const longestTurn = 500

/** A commit stops waiting for its turn after this many checks, about twenty seconds. */
export const maxTurnWaits = 4000

/** Milliseconds between two checks: 1 to 8, so that waiting commits do not check all at once. `chance`: from 0 to 1. */
export function turnWait(chance: number): number {
  return 1 + chance * 7
}

/** A save or a move gives up after this many writes. */
export const maxTries = 16

/** So many fresh tokens are tried for a new record. */
export const maxClaims = 16

/** A change of a subject's list gives up after this many writes. */
export const maxListTries = 16

/** A session is followed over this many moves. A sign-out counts its deletes here, too. */
export const maxHops = 16

/** An asynchronous schema is asked this often about data that changes meanwhile. */
export const maxSchemaAsks = 16

/** A commit starts no further write when the event loop has had this many milliseconds since the first that failed. */
export const maxDuration = 1000

/**
 * Whether a save or a move gives up. `waits`: how often it waited for a move instead of trying.
 * `passed`: milliseconds since the first try that failed.
 */
export function givesUp(tries: number, waits: number, passed: number): boolean {
  return tries >= maxTries || waits >= maxWaits || passed >= maxDuration
}

/** After this many milliseconds, or twice as many, other commits of a session in this process wait no more. */
export const maxBatchTime = 5000

/**
 * For how long a request that moves a session keeps other writers waiting, at most, in milliseconds. A record that
 * says more comes from another clock and is ignored.
 */
export const movingLife = 500

/** How often a move asks other writers to wait before it pauses, if they change the session each time. */
export const holdsPerTry = 16

/** How many of them may get no answer: each of those takes as long as a command may. */
export const holdsInOutage = 4

/** A save asks no more often than this whether a move has ended. */
export const maxWaits = 64

/** Whether a request is moving the session just now. `movingUntil`: 0 if none is. */
export function isMoving(movingUntil: number, now: number): boolean {
  return movingUntil > now && movingUntil - now <= movingLife
}

/** Before a try that comes after this many or more, the wait is the longest. */
export const triesToLongestWait = 6

/**
 * Milliseconds to wait before the next try: up to 2, 4, 8 … 64, so that writers that collided do not collide
 * again. `chance`: a random number from 0 to 1.
 */
export function backoffTime(chance: number, tries: number): number {
  return chance * Math.min(64, 2 ** tries)
}

/**
 * For how long a commit keeps the others of its session waiting where each request works for itself, at most, in
 * milliseconds. One whose request was cancelled never says that it has ended.
 */
export const longestTurn = 500

/** A commit that waits for its turn goes on without after this many looks, which is about twenty seconds. */
export const maxTurnWaits = 4000

/** Milliseconds between two looks: 1 to 8, so that many do not look at once. `chance`: from 0 to 1. */
export function turnWait(chance: number): number {
  return 1 + chance * 7
}

import type { PlantedFault } from './planted-fault.ts'
import { plant } from './planted-fault.ts'

/** Faults of device-bound sessions. */
export const plantedDeviceFaults: readonly PlantedFault[] = [
  plant('a challenge is taken twice', 1000, {
    file: 'device/derive.ts',
    find: "if (parseInt(proofs, 36) !== device.proofs) return 'challenge-used'",
    put: '',
  }),
  plant('two requests may use one challenge at the same time', 2000, {
    file: 'commit/edit.ts',
    find: 'if (isSame) return to',
    put: 'if (isSame || to) return to',
  }),
  plant('every key may sign', 1000, {
    file: 'device/proof.ts',
    find: "? null : 'signature'",
    put: '? null : null',
  }),
  plant('a stale request gets the session', 1000, {
    file: 'rules/device-mode.ts',
    find: "mode === 'require' && standing === 'stale'",
    put: 'false',
  }),
  plant('a session counts as bound once a key is registered', 1000, {
    file: 'device/standing.ts',
    find: "if (device.proofs === 0) return 'pending'",
    put: '',
  }),
  plant('a renewal forgets the device', 1000, {
    file: 'commit/record-under-new-token.ts',
    find: 'isPersistent: signIn.isPersistent, device: offer }),',
    put: 'isPersistent: signIn.isPersistent }), device: offer,',
  }),
  plant('a refresh in an outage ends the tie', 1000, {
    file: 'device/endpoints.ts',
    find: "if (state !== 'live' && state !== 'nothing') {",
    put: 'if (false) {',
  }),
  plant('a challenge that does not fit ends the tie', 1000, {
    file: 'device/endpoints.ts',
    find: 'if (fault !== null) return challengeAgain(asked, fault)',
    put: 'if (fault !== null) return refuseAsked(asked, fault, 400)',
  }),
  plant('a bound cookie that is no proof stays', 1000, {
    file: 'commit/worthless-cookies.ts',
    find: "device === 'stale' || ",
    put: '',
  }),
  plant('bound cookies do not end', 1000, {
    file: 'device/derive.ts',
    find: ' || parseInt(until, 36) <= now',
    put: '',
  }),
]

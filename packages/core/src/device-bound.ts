export type { DeviceBound } from './device/device-binding.ts'
export { deviceBound } from './device/device-bound.ts'
export type { DeviceBoundOptions } from './device/device-bound.ts'
export { reloadForProof } from './device/reload-for-proof.ts'

export type { DeviceBound } from './device/device-binding.ts'
export { deviceBound } from './device/device-options.ts'
export type { DeviceBoundOptions } from './device/device-options.ts'
export { reloadForProof } from './device/reload-for-proof.ts'

export { describeStore } from './lib/store-contract.ts'
export type { StoreUnderTest, TestRunner } from './lib/store-contract.ts'
export { describeRaces } from './lib/race-kit.ts'
export type { RacersUnderTest } from './lib/race-kit.ts'

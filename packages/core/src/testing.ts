export { describeStore } from './lib/store-contract.ts'
export type { StoreUnderTest, TestRunner } from './lib/store-contract.ts'

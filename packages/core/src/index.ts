export type { DeleteResult, SaveResult, SessionStore, StoredRecord, StoreFaultCode } from './lib/store.ts'

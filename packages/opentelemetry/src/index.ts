export { withTelemetry } from './with-telemetry.ts'
export type { Instrumented, TelemetryOptions } from './with-telemetry.ts'

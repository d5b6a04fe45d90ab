/** The default of `onError`. */
export function report(error: unknown): void {
  // oxlint-disable-next-line no-console -- As Node reports an error that no one handles.
  console.error(error)
}

/** Calls `onError`. If it throws or rejects, that is reported, because no caller could handle it. */
export function tell(onError: ((error: unknown) => void) | undefined, error: unknown): void {
  const run = async (): Promise<void> => onError?.(error)
  run().catch(report)
}

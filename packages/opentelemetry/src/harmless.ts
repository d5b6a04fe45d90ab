/** What telemetry does touches no request: a provider that throws is not heard. */
export function harmless(act: () => void): void {
  try {
    act()
  } catch {
    // A broken exporter must not sign visitors out.
  }
}

/** What `make` gives; `null` if it throws. */
export function unlessBroken<made>(make: () => made): made | null {
  try {
    return make()
  } catch {
    return null
  }
}

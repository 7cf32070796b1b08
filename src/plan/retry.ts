/** When something that failed is tried again: 1, 2, 4, 8 s apart, and after five failures in a row not until asked. Pure. */
export const mostFailures = 5

export interface Attempts {
  generation: number
  failures: number
  /** On the monotonic clock. */
  retryAt: number
  reason?: string
}

export const noFailures = (generation: number): Attempts => ({ generation, failures: 0, retryAt: 0 })

export function afterFailure(attempts: Attempts, now: number): Attempts {
  const failures = attempts.failures + 1
  return { ...attempts, failures, retryAt: now + 1000 * 2 ** (failures - 1) }
}

/** 0: now. A number: wait so many milliseconds. */
export function mayTry(attempts: Attempts, now: number): number | 'given-up' {
  if (attempts.failures >= mostFailures) return 'given-up'
  return attempts.failures === 0 ? 0 : Math.max(0, Math.ceil(attempts.retryAt - now))
}

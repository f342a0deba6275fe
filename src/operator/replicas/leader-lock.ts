/**
 * A lock that one process holds at a time, as far as clocks agree; another system keeps it (a Lease in
 * Kubernetes, a locked Variable in Nomad). It fences nothing: whoever holds it stops starting effects
 * before it can have expired, and every effect is safe to repeat. Every call ends soon after its signal
 * aborts.
 */
export interface LeaderLock {
  /**
   * One attempt. false: another process holds it. Rejects where the answer is not known; asked again, it is
   * this process's lock if it was granted in the meantime.
   */
  acquire(signal: AbortSignal): Promise<boolean>
  /** One attempt. false: it is lost. Rejects where the answer is not known. */
  renew(signal: AbortSignal): Promise<boolean>
  /** Lets the next one have it at once. Does nothing where this process does not hold it. */
  release(): Promise<void>
  /** Who holds it, as last seen; for people. */
  holder(): string | undefined
}

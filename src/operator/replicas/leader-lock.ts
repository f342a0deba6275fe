/**
 * A lock that one process holds at a time, as far as clocks agree. It is a Lease in Kubernetes or a locked Variable in
 * Nomad. It fences nothing: the holder starts no more effects before the lock can have expired, and every effect is safe
 * to repeat. Every call ends soon after its signal aborts.
 */
export interface LeaderLock {
  /**
   * Tries once. false: another process holds it. Rejects where the outcome is unknown. If the lock was granted then, the
   * next attempt returns true.
   */
  acquire(signal: AbortSignal): Promise<boolean>
  /** Tries once. false: the lock is lost. Rejects where the outcome is unknown. */
  renew(signal: AbortSignal): Promise<boolean>
  /** Frees the lock at once. Does nothing where this process does not hold it. */
  release(): Promise<void>
  /** The last known holder, for messages. */
  holder(): string | undefined
}

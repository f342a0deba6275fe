import type { VariableAddress, VariablesApi } from '../../nomad/variables.ts'
import type { LeaderLock } from './leader-lock.ts'

/** The shortest time that Nomad takes. */
const shortestTTLMs = 10_000

/** Nomad's default is 15 s; twice the TTL has passed by then, and what a lost leader may still do needs no delay. */
const lockDelayMs = 1_000

/** How long the release may take: nothing waits for it but the end of the process. */
const releaseTimeoutMs = 5_000

/**
 * The lock on a Nomad Variable, whose items say who holds it. Nomad lets go of one that is not renewed after
 * twice its TTL, and then waits for its delay (nomad/variables_endpoint.go, lock timers).
 * @param options.lockID UUID of this process
 * @param options.leaseMs what the lock has to be safe for after a renewal; the TTL is at least half of it, and 10 s
 */
export function createVariableLock(
  api: Pick<VariablesApi, 'acquireLock' | 'renewLock' | 'releaseLock' | 'readVariable'>,
  options: {
    readonly address: VariableAddress
    readonly identity: string
    readonly lockID: string
    readonly leaseMs: number
  },
): LeaderLock {
  const { address, identity, lockID } = options
  const ttlMs = Math.max(shortestTTLMs, options.leaseMs / 2)
  let holder: string | undefined

  return {
    async acquire(signal) {
      const lock = { lockID, ttlMs, lockDelayMs, items: { holder: identity } }
      // Granted to an earlier attempt whose answer was lost, its time runs since then.
      if ((await api.acquireLock(address, lock, signal)) && (await api.renewLock(address, lockID, signal))) {
        holder = identity
        return true
      }
      holder = (await api.readVariable(address, signal))?.Items.holder
      return false
    },
    renew: (signal) => api.renewLock(address, lockID, signal),
    async release() {
      holder = undefined
      await api.releaseLock(address, lockID, AbortSignal.timeout(releaseTimeoutMs))
    },
    holder: () => holder,
  }
}

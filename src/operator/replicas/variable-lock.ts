import type { VariableAddress, VariablesApi } from '../../nomad/variables.ts'
import type { LeaderLock } from './leader-lock.ts'

/** Nomad allows no shorter TTL. */
const shortestTTLMs = 10_000

/** Nomad's default is 15 s. A shorter delay is enough: twice the TTL has passed by then, and a lost leader starts nothing. */
const lockDelayMs = 1_000

/** How long the release may delay the end of the process. */
const releaseTimeoutMs = 5_000

/**
 * A lock on a Nomad Variable, whose items name the holder. Nomad drops a lock that is not renewed within twice its TTL, and
 * then waits for the lock delay (nomad/variables_endpoint.go, lock timers).
 * @param options.lockID a UUID of this process
 * @param options.leaseMs how long nobody else gets the lock after a renewal. The TTL is half of it, and at least 10 s
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
      // An earlier attempt may have got the lock without its answer arriving. Its time runs since then, so renew it.
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

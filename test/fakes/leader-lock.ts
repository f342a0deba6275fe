import type { LeaderLock } from '../../src/operator/replicas/leader-lock.ts'

export interface FakeLockKeeper {
  /** A process's view of the one lock. */
  lockOf(identity: string): LeaderLock
  /** Who has it now; undefined: nobody. */
  holder(): string | undefined
  /** While set, attempts end by their signal alone. */
  isSilent: boolean
  /** Attempts so far, as `acquire one`. */
  readonly attempts: string[]
}

/** Keeps a lock for `leaseMs` after each renewal. */
export function createFakeLockKeeper(leaseMs: number, now: () => number): FakeLockKeeper {
  let held: { by: string; renewedAtMs: number } | undefined
  const holder = () => (held !== undefined && now() < held.renewedAtMs + leaseMs ? held.by : undefined)

  async function attempt(what: string, signal: AbortSignal, grant: () => boolean): Promise<boolean> {
    keeper.attempts.push(what)
    if (!keeper.isSilent) return grant()
    return new Promise((_resolve, reject) => {
      if (signal.aborted) reject(signal.reason)
      signal.addEventListener('abort', () => reject(signal.reason))
    })
  }

  const keeper: FakeLockKeeper = {
    isSilent: false,
    attempts: [],
    holder,
    lockOf(identity) {
      let seen: string | undefined
      const grant = (isFree: boolean) => {
        if (isFree) held = { by: identity, renewedAtMs: now() }
        seen = holder()
        return isFree
      }
      return {
        acquire: (signal) =>
          attempt(`acquire ${identity}`, signal, () => grant([undefined, identity].includes(holder()))),
        renew: (signal) => attempt(`renew ${identity}`, signal, () => grant(holder() === identity)),
        async release() {
          if (holder() === identity) held = undefined
          seen = undefined
        },
        holder: () => seen,
      }
    },
  }
  return keeper
}

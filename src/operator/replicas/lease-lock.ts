/**
 * Leader election on a coordination.k8s.io/v1 Lease, by the rules of client-go (tools/leaderelection). Another process has
 * lost the lock when its record has not changed for its lease duration. The monotonic clock of this process decides, whatever
 * times the record contains. Nothing fences a holder that was paused: see LeaderLock.
 */
import { isDeepStrictEqual } from 'node:util'
import {
  isAlreadyExists,
  isConflict,
  isNotFound,
  type KubernetesApi,
  type KubernetesObject,
} from '../../kube/api.ts'
import { apiVersionOf, leases } from '../../kube/resources.ts'
import type { Clock } from '../../lib/clock.ts'
import type { LeaderLock } from './leader-lock.ts'

export interface LeaseLockOptions {
  readonly api: KubernetesApi
  readonly namespace: string
  /** The name of the Lease, the same for all replicas. */
  readonly name: string
  /** Unique to this process, now and later. It shows after a lost answer whether this process holds the lock. */
  readonly identity: string
  /** How long others wait after the last renewal. */
  readonly leaseDurationSeconds: number
  readonly clock: Clock
}

interface LeaseSpec {
  readonly holderIdentity?: string
  readonly leaseDurationSeconds?: number
  readonly acquireTime?: string
  readonly renewTime?: string
  readonly leaseTransitions?: number
}

interface Observed {
  readonly lease: KubernetesObject
  readonly spec: LeaseSpec
  readonly atMs: number
}

export function createLeaseLock(options: LeaseLockOptions): LeaderLock {
  const { api, namespace, name, identity, leaseDurationSeconds, clock } = options
  let observed: Observed | undefined
  /** The count of transitions when this process acquired the lock. */
  let heldSince: number | undefined

  function observe(lease: KubernetesObject): Observed {
    const spec = specOf(lease)
    const isSame = observed !== undefined && isDeepStrictEqual(observed.spec, spec)
    observed = { lease, spec, atMs: isSame && observed ? observed.atMs : clock.monotonicMs() }
    return observed
  }

  const isHeldByAnother = ({ spec, atMs }: Observed) =>
    Boolean(spec.holderIdentity) &&
    spec.holderIdentity !== identity &&
    clock.monotonicMs() < atMs + (spec.leaseDurationSeconds ?? leaseDurationSeconds) * 1000

  function nextSpec(before: LeaseSpec | undefined): LeaseSpec {
    const now = microTime(clock.now())
    const isOurs = before?.holderIdentity === identity
    const transitions = before?.leaseTransitions ?? 0
    return {
      holderIdentity: identity,
      leaseDurationSeconds,
      acquireTime: (isOurs && before.acquireTime) || now,
      renewTime: now,
      leaseTransitions: before === undefined || isOurs ? transitions : transitions + 1,
    }
  }

  async function take(current: Observed | undefined, signal: AbortSignal): Promise<void> {
    const spec = nextSpec(current?.spec)
    const metadata = { name, namespace }
    const written = current
      ? await api.update(leases, { ...current.lease, spec }, signal)
      : await api.create(
          leases,
          { apiVersion: apiVersionOf(leases), kind: leases.kind, metadata, spec },
          signal,
        )
    heldSince = observe(written).spec.leaseTransitions ?? 0
  }

  async function read(signal: AbortSignal): Promise<Observed | undefined> {
    const lease = await api.get(leases, { namespace, name }, signal)
    if (lease) return observe(lease)
    observed = undefined
    return undefined
  }

  const isStillOurs = ({ spec }: Observed) =>
    spec.holderIdentity === identity && (spec.leaseTransitions ?? 0) === heldSince

  return {
    async acquire(signal) {
      const current = await read(signal)
      if (current && isHeldByAnother(current)) return false
      try {
        await take(current, signal)
        return true
      } catch (error) {
        // Another process was faster. The next attempt shows which.
        if (isConflict(error) || isAlreadyExists(error) || isNotFound(error)) return false
        throw error
      }
    },

    async renew(signal) {
      if (heldSince === undefined || !observed) return false
      try {
        await take(observed, signal)
        return true
      } catch (error) {
        if (!isConflict(error) && !isNotFound(error)) throw error
      }
      // Somebody has written the Lease: a person, the next holder, or this process by a request whose answer was lost.
      const current = await read(signal)
      if (!current || !isStillOurs(current)) {
        heldSince = undefined
        return false
      }
      await take(current, signal)
      return true
    },

    async release() {
      if (heldSince === undefined || !observed || !isStillOurs(observed)) return
      const { lease, spec } = observed
      heldSince = undefined
      const { holderIdentity: _, ...rest } = spec
      try {
        observe(
          await api.update(leases, {
            ...lease,
            spec: { ...rest, leaseDurationSeconds: 1, renewTime: microTime(clock.now()) },
          }),
        )
      } catch (error) {
        // Another process holds it already, or it is gone: nothing is left to free.
        if (!isConflict(error) && !isNotFound(error)) throw error
      }
    },

    holder: () => observed?.spec.holderIdentity || undefined,
  }
}

/** All fields of a Lease are optional, and null counts as absent. */
function specOf({ spec }: KubernetesObject): LeaseSpec {
  if (typeof spec !== 'object' || spec === null) return {}
  return Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== null))
}

/** A MicroTime: RFC 3339 with exactly six digits after the second. */
function microTime(timeMs: number): string {
  return new Date(timeMs).toISOString().replace('Z', '000Z')
}

import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import process from 'node:process'
import { systemClock } from '../lib/clock.ts'
import { UsageError } from '../lib/errors.ts'
import { connectNomad, defaultVariablesNamespace, type NomadConnection } from '../nomad/connection.ts'
import { createConfigMapRecords } from './inventory/config-map-records.ts'
import type { RecordStore } from './inventory/record-store.ts'
import { createVariableStore } from './inventory/variable-records.ts'
import type { Kubernetes } from './kubernetes.ts'
import type { LeaderLock } from './replicas/leader-lock.ts'
import type { LeadershipTimes } from './replicas/leadership.ts'
import { createLeaseLock } from './replicas/lease-lock.ts'
import { createVariableLock } from './replicas/variable-lock.ts'
import type { KubernetesFlags, SharedStateFlags } from './settings.ts'

/** What replicas of an operator share, kept by another system. */
export interface SharedState {
  /** Of this process among the replicas. */
  readonly identity: string
  readonly lock: LeaderLock
  readonly store: RecordStore
  /** Of the inventory's keyed hashes, where the store does not keep it. */
  hashKey(): Promise<Buffer | undefined>
  close(): Promise<void>
}

/** @throws UsageError where they are not each shorter than the one before */
export function leadershipTimesOf(flags: SharedStateFlags): LeadershipTimes {
  const { leaseDuration: leaseMs, leaseRenewDeadline: renewDeadlineMs, leaseRetryPeriod: retryMs } = flags
  if (retryMs <= 0 || retryMs >= renewDeadlineMs || renewDeadlineMs >= leaseMs) {
    throw new UsageError(
      '--lease-retry-period has to be shorter than --lease-renew-deadline, and that than --lease-duration',
    )
  }
  return { leaseMs, renewDeadlineMs, retryMs }
}

/** Where the inventory of an operator with these flags is. @throws UsageError for those that go not together */
export function inventoryPlace({
  inventory,
  kubernetes,
}: SharedStateFlags & KubernetesFlags): NonNullable<SharedStateFlags['inventory']> {
  if (kubernetes && inventory === 'file')
    throw new UsageError('--kubernetes and --inventory file do not go together: leave one out')
  if (!kubernetes && inventory === 'kubernetes')
    throw new UsageError('--inventory kubernetes goes with --kubernetes: give both')
  return inventory ?? (kubernetes ? 'kubernetes' : 'file')
}

/** @param kubernetes where the flags ask for it */
export function openSharedState(
  flags: SharedStateFlags & NomadConnection & KubernetesFlags,
  kubernetes: Kubernetes | undefined,
): SharedState {
  const lockID = randomUUID()
  const identity = `${process.env.NOMAD_ALLOC_ID ?? hostname()}_${lockID.slice(0, 8)}`
  if (kubernetes !== undefined && inventoryPlace(flags) === 'kubernetes') {
    const { operatorNamespace: namespace } = kubernetes
    const { api } = kubernetes.connection
    const { instance } = flags
    return {
      identity,
      lock: createLeaseLock({
        api,
        namespace,
        name: `mooring-${instance}`,
        identity,
        leaseDurationSeconds: Math.max(1, Math.round(flags.leaseDuration / 1000)),
        clock: systemClock,
      }),
      store: createConfigMapRecords({ api, namespace, instance }),
      hashKey: () => kubernetes.hashKey(instance),
      close: async () => {},
    }
  }
  const { variablesNamespace: namespace = defaultVariablesNamespace } = flags
  const client = connectNomad(flags)
  const prefix = `mooring/${flags.instance}/`
  const lockName = 'leader'
  return {
    identity,
    lock: createVariableLock(client, {
      address: { namespace, path: `${prefix}${lockName}` },
      identity,
      lockID,
      leaseMs: leadershipTimesOf(flags).leaseMs,
    }),
    store: createVariableStore(client, { namespace, prefix, exclude: [lockName] }),
    hashKey: async () => undefined,
    close: () => client.close(),
  }
}

import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import process from 'node:process'
import { InvalidArgumentError, Option } from 'commander'
import { createConfigMapRecords } from '../kube/config-map-records.ts'
import { createLeaseLock } from '../kube/lease-lock.ts'
import { systemClock } from '../lib/clock.ts'
import { UsageError } from '../lib/errors.ts'
import type { LeaderLock } from '../lib/leader-lock.ts'
import { defaultLeadershipTimes, type LeadershipTimes } from '../lib/leadership.ts'
import { createVariableLock } from '../nomad/variable-lock.ts'
import { createVariableStore } from '../nomad/variable-store.ts'
import type { RecordStore } from '../plan/ports.ts'
import type { Kubernetes, KubernetesFlags } from './kubernetes.ts'
import { connectNomad, defaultVariablesNamespace, type NomadConnection } from './nomad-connection.ts'
import { parseDurationOption } from './options.ts'

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

export interface SharedStateFlags {
  readonly inventory?: 'file' | 'nomad' | 'kubernetes'
  readonly instance: string
  /** Milliseconds. */
  readonly leaseDuration: number
  /** Milliseconds. */
  readonly leaseRenewDeadline: number
  /** Milliseconds. */
  readonly leaseRetryPeriod: number
}

/** Of what a Nomad Variable's path takes; with the rest of the path it is within its 128 characters. */
function parseInstance(text: string): string {
  if (!/^[a-z0-9-]{1,40}$/.test(text))
    throw new InvalidArgumentError('write up to 40 lower-case letters, digits and dashes.')
  return text
}

export function sharedStateOptions(): Option[] {
  const duration = (name: string, does: string, defaultMs: number, variable: string) =>
    new Option(`--${name} <duration>`, does)
      .argParser(parseDurationOption)
      .default(defaultMs, `${defaultMs / 1000}s`)
      .env(variable)
  const { leaseMs, renewDeadlineMs, retryMs } = defaultLeadershipTimes
  return [
    new Option(
      '--inventory <where>',
      'where the inventory is kept: a file of the data directory, or Nomad Variables or objects of Kubernetes, which replicas share (default: kubernetes with --kubernetes, else file)',
    )
      .choices(['file', 'nomad', 'kubernetes'])
      .env('MOORING_INVENTORY'),
    new Option('--instance <name>', 'which operator this is a replica of, where the inventory is shared')
      .argParser(parseInstance)
      .default('default')
      .env('MOORING_INSTANCE'),
    duration('lease-duration', 'how long a replica leads without renewal', leaseMs, 'MOORING_LEASE_DURATION'),
    duration(
      'lease-renew-deadline',
      'a leader without renewal for so long starts nothing more',
      renewDeadlineMs,
      'MOORING_LEASE_RENEW_DEADLINE',
    ),
    duration(
      'lease-retry-period',
      'between two attempts to renew or to lead',
      retryMs,
      'MOORING_LEASE_RETRY_PERIOD',
    ),
  ]
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

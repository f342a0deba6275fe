import type { KubernetesObject } from '../../kube/api.ts'
import type { ObjectIdentity } from '../declare/declaration.ts'
import type {
  HostVolumeStatus,
  NomadClusterStatus,
  SnapshotScheduleStatus,
  SnapshotStatus,
  VolumeStatus,
} from '../declare/object-status.ts'
import { formatQuantity } from '../declare/quantities.ts'
import type {
  HostVolumeRecord,
  InventoryRecord,
  SnapshotRecord,
  SnapshotScheduleRecord,
  VolumeRecord,
} from '../plan/record.ts'
import { type Condition, conditionsOf, type PastStep, type Verdict } from '../plan/status.ts'
import { nameOfScheduledSnapshot } from './scheduled-snapshot.ts'

export type ObjectStatus =
  | VolumeStatus
  | SnapshotStatus
  | SnapshotScheduleStatus
  | HostVolumeStatus
  | NomadClusterStatus
type ObjectConditions = NonNullable<ObjectStatus['conditions']>

/**
 * The status of an object, from its record.
 * @param observed the object as the last pass saw it
 * @param before the current status of the object
 */
export function statusOfRecord(
  record: InventoryRecord,
  observed: ObjectIdentity | undefined,
  before: ObjectStatus,
): ObjectStatus {
  const common = { ...commonOf(record, observed), ...ordersHandled(before) }
  switch (record.kind) {
    case 'Volume':
      return { ...common, ...volumeFacts(record) }
    case 'Snapshot':
      return { ...common, ...snapshotFacts(record) }
    case 'SnapshotSchedule':
      return { ...common, ...scheduleFacts(record) }
    case 'HostVolume':
      return { ...common, ...hostVolumeFacts(record) }
  }
}

/** Which orders were taken is written where each is taken, and stays. */
export function ordersHandled(before: ObjectStatus): HandledOrders {
  const fields = Object.entries(before).filter(
    ([name]) => name.startsWith('lastHandled') && name !== 'lastHandledReconcileAt',
  )
  return Object.fromEntries(fields) as HandledOrders // By their names.
}

/** Values of annotations that order something once, by `lastHandled<Order>`. */
export type HandledOrders = Omit<
  HandledFields<VolumeStatus> & HandledFields<SnapshotStatus> & HandledFields<SnapshotScheduleStatus>,
  'lastHandledReconcileAt'
>
type HandledFields<Fields> = Pick<Fields, Extract<keyof Fields, `lastHandled${string}`>>

function commonOf({ declaration, status }: InventoryRecord, observed: ObjectIdentity | undefined) {
  const [last] = status.history ?? []
  return {
    ...given({ observedGeneration: observed?.generation, lastHandledReconcileAt: observed?.reconcileAt }),
    conditions: presentConditions(status.conditions, observed?.generation),
    namespace: declaration.spec.namespace,
    ...(last === undefined ? {} : { lastStep: lastStepOf(last) }),
  }
}

export function lastStepOf({ atMs, error, ...step }: PastStep): NonNullable<VolumeStatus['lastStep']> {
  return { ...step, time: time(atMs), ...given({ error }) }
}

/** The status fields of one volume. */
export function volumeFacts({ declaration, csiName, externalID, status }: VolumeRecord): VolumeStatus {
  const { claims, attachedNodes, sizeBytes, unreadable = [] } = status
  return {
    volumeID: declaration.spec.volumeID,
    name: csiName,
    ...given({ externalID }),
    ...(sizeBytes === undefined ? {} : { capacity: formatQuantity(BigInt(sizeBytes)) }),
    ...(claims === undefined ? {} : { claims: [...claims] }),
    ...(attachedNodes === undefined ? {} : { attachedNodes: [...attachedNodes] }),
    ...(unreadable.length === 0 ? {} : { unreadable: [...unreadable] }),
    ...given({ schedulable: status.schedulable }),
  }
}

function snapshotFacts(record: SnapshotRecord): SnapshotStatus {
  const { csiName, pluginID, snapshotID, externalSourceVolumeID, status } = record
  return {
    name: csiName,
    ...given({ pluginID, snapshotID, externalSourceVolumeID }),
    ...(status.sizeBytes === undefined ? {} : { size: formatQuantity(BigInt(status.sizeBytes)) }),
    ...(status.takenAtMs === undefined ? {} : { createTime: time(status.takenAtMs) }),
    ready: status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True'),
  }
}

function hostVolumeFacts({ csiName, externalID, nodeID, status }: HostVolumeRecord): HostVolumeStatus {
  const { claims, sizeBytes } = status
  return {
    name: csiName,
    ...given({ volumeID: externalID, nodeID }),
    ...(sizeBytes === undefined ? {} : { capacity: formatQuantity(BigInt(sizeBytes)) }),
    ...(claims === undefined ? {} : { claims: [...claims] }),
  }
}

function scheduleFacts({ status }: SnapshotScheduleRecord): SnapshotScheduleStatus {
  const { nextRunMs, lastRunMs, lastMissedRunMs, kept } = status
  return {
    ...(nextRunMs === undefined ? {} : { nextRun: time(nextRunMs) }),
    ...(lastRunMs === undefined ? {} : { lastRun: time(lastRunMs) }),
    ...(lastMissedRunMs === undefined ? {} : { lastMissedRun: time(lastMissedRunMs) }),
    ...(kept === undefined
      ? {}
      : {
          kept: Object.fromEntries(
            Object.entries(kept).map(([key, rules]) => [nameOfScheduledSnapshot(key), [...rules]]),
          ),
        }),
  }
}

/**
 * The status of an object that Mooring does nothing for now. Other fields stay, because its volume or snapshot is still
 * managed.
 * @param before the current status of the object
 */
export function statusOfVerdict(
  verdict: Verdict,
  generation: number | undefined,
  before: ObjectStatus,
  nowMs: number,
): ObjectStatus {
  return {
    ...before,
    ...given({ observedGeneration: generation }),
    conditions: presentConditions(conditionsOf(verdict, previousConditions(before), nowMs), generation),
  }
}

/** The conditions of a status, in the form of the inventory. */
export function previousConditions({ conditions = [] }: ObjectStatus): Condition[] {
  return conditions.map(({ lastTransitionTime, observedGeneration: _, ...condition }) => ({
    ...condition,
    lastTransitionMs: Date.parse(lastTransitionTime),
  })) as Condition[] // Only the operator writes them, with these three types.
}

/** The status from the API server. Only the operator writes it. */
export function readStatus({ status }: KubernetesObject): ObjectStatus {
  return typeof status === 'object' && status !== null ? status : {}
}

export function presentConditions(
  conditions: readonly Condition[],
  generation: number | undefined,
): ObjectConditions {
  return conditions.map(({ lastTransitionMs, ...condition }) => ({
    ...condition,
    ...given({ observedGeneration: generation }),
    lastTransitionTime: time(lastTransitionMs),
  }))
}

/** Kubernetes stores whole seconds. */
function time(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
}

function given<Fields extends object>(
  fields: Fields,
): { [Name in keyof Fields]?: NonNullable<Fields[Name]> } {
  // Only the fields that are not undefined are left.
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Fields]?: NonNullable<Fields[Name]>
  }
}

/** The verdict for an object whose declaration cannot be used. */
export function invalidVerdict(
  problems: readonly { readonly field: string; readonly message: string }[],
): Verdict {
  return {
    state: 'stalled',
    reason: 'Invalid',
    message: problems
      .map(({ field, message }) => (field === '' ? message : `${field} ${message}`))
      .join('; '),
  }
}

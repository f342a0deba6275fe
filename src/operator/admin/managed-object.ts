import { type Declaration, formatPlace } from '../declare/declaration.ts'
import { type PresentedDeclaration, presentDeclaration } from '../declare/present-declaration.ts'
import { formatQuantity } from '../declare/quantities.ts'
import type { Key } from '../plan/identity.ts'
import { keyOf } from '../plan/identity.ts'
import type { OrderGiver, Orders } from '../plan/orders.ts'
import { type InventoryRecord, restoreSource } from '../plan/record.ts'
import type { Released } from '../plan/released.ts'
import type { Condition, PastRestore } from '../plan/status.ts'
import type { InstanceStatus, WholeDeclaration } from './present-instances.ts'

/** One declaration with all that Mooring knows of it, as `mooring get` prints it. Times are RFC 3339. */
export interface ManagedObject extends PresentedDeclaration {
  readonly status: ObjectStatus
}

export interface ObjectStatus {
  readonly key: Key
  /** Where it is declared, or was when it was last seen. */
  readonly place: string
  /** Of a Git repository: the commit that the declaration was read from. */
  readonly commit?: string
  /** Since when no source declares it. */
  readonly missingSince?: string
  readonly suspendedSince?: string
  /** The name that the plugin was given. */
  readonly csiName?: string
  /** A snapshot of a schedule: since when a person keeps it from retention. */
  readonly keptSince?: string
  /** A restore that is under way, and why it is called off where it is. */
  readonly restoring?: {
    readonly snapshotID?: string
    /** The external volume that is gone back to, where it is not one made from a snapshot. */
    readonly backTo?: string
    readonly csiName: string
    readonly calledOff?: string
  }
  readonly lastRestore?: Omit<PastRestore, 'atMs'> & { readonly time: string }
  /** External volumes that restores put another one in the place of; they are there still. */
  readonly replaced?: readonly { readonly externalID: string; readonly since: string }[]
  /** How many names after the first were used up, by restores and where a lost volume was given up. */
  readonly incarnation?: number
  readonly pluginID?: string
  readonly externalID?: string
  readonly capacity?: string
  readonly claims?: readonly string[]
  /** Nomad nodes where a claim is, or to which the plugin lists the volume as published. */
  readonly attachedNodes?: readonly string[]
  /** Fields that an update would wipe: Nomad never shows them, and the declaration does not give them. */
  readonly unreadable?: readonly string[]
  /** Of a snapshot: when it was taken, as its plugin says. */
  readonly createTime?: string
  /** Of a schedule. */
  readonly nextRun?: string
  readonly lastRun?: string
  readonly lastMissedRun?: string
  /** Of a schedule: for each snapshot of its own that stays, by key, the rules that keep it. */
  readonly kept?: Readonly<Record<string, readonly string[]>>
  /** A call was sent whose answer is not known; no other follows until it has ended. */
  readonly unsettledCall?: { readonly since: string; readonly holder?: string }
  /** Of a declaration with perAlloc: the volumes that it makes, each a managed object of its own. */
  readonly instances?: readonly InstanceStatus[]
  readonly conditions: readonly ObjectCondition[]
  /** Newest first. */
  readonly history: readonly ObjectStep[]
  /** The orders that were taken, newest first. */
  readonly orders?: readonly ObjectOrder[]
}

export interface ObjectOrder {
  readonly time: string
  readonly order: string
  /** Way and user, as far as they are known. Nobody has proved the user. */
  readonly by?: OrderGiver
  /** What the person was told. */
  readonly message: string
}

export interface ObjectCondition {
  readonly type: string
  readonly status: string
  readonly reason: string
  readonly message: string
  readonly lastTransitionTime: string
}

export interface ObjectStep {
  readonly time: string
  readonly step: string
  readonly outcome: string
  readonly why: string
  readonly error?: string
  readonly times: number
}

/** @param declaration what a source says now, where it is declared */
export function presentObject(
  record: InventoryRecord | undefined,
  declaration: Declaration,
  orders: Orders,
  released: readonly Released[],
): ManagedObject {
  const { suspendedSinceMs, keptSinceMs } = orders
  const replaced = released.filter(
    ({ reason, externalID }) => reason === 'Replaced' && externalID !== record?.status.externalID,
  )
  return {
    ...presentDeclaration(declaration),
    status: {
      key: keyOf(declaration),
      place: formatPlace(declaration.place),
      ...(declaration.place.commit === undefined ? {} : { commit: declaration.place.commit }),
      ...(record?.missing === undefined ? {} : { missingSince: time(record.missing.sinceMs) }),
      ...(suspendedSinceMs === undefined ? {} : { suspendedSince: time(suspendedSinceMs) }),
      ...(keptSinceMs === undefined ? {} : { keptSince: time(keptSinceMs) }),
      ...(replaced.length === 0
        ? {}
        : { replaced: replaced.map(({ externalID, atMs }) => ({ externalID, since: time(atMs) })) }),
      ...(record === undefined ? { conditions: [], history: [] } : presentRecord(record)),
      ...presentOrders(orders),
    },
  }
}

/** A declaration with perAlloc: its volumes are objects too, and this one is of them together. */
export function presentWhole(
  { declaration, instances, conditions }: WholeDeclaration,
  orders: Orders,
): ManagedObject {
  const { suspendedSinceMs } = orders
  return {
    ...presentDeclaration(declaration),
    status: {
      key: keyOf(declaration),
      place: formatPlace(declaration.place),
      ...(declaration.place.commit === undefined ? {} : { commit: declaration.place.commit }),
      ...(suspendedSinceMs === undefined ? {} : { suspendedSince: time(suspendedSinceMs) }),
      instances,
      conditions: conditions.map(presentCondition),
      history: [],
      ...presentOrders(orders),
    },
  }
}

function presentOrders({ given = [] }: Orders): Pick<ObjectStatus, 'orders'> {
  if (given.length === 0) return {}
  return {
    orders: given.map(({ type, atMs, ...rest }) => ({ time: time(atMs), order: type, ...rest })),
  }
}

function presentCondition({ lastTransitionMs, ...condition }: Condition): ObjectCondition {
  return { ...condition, lastTransitionTime: time(lastTransitionMs) }
}

function presentRecord(record: InventoryRecord) {
  const { csiName, incarnation, status } = record
  const intent = record.kind === 'SnapshotSchedule' ? undefined : record.intent
  const { pluginID, externalID, sizeBytes, claims, attachedNodes, kept, conditions, history = [] } = status
  const { takenAtMs, unreadable = [], nextRunMs, lastRunMs, lastMissedRunMs, lastRestore } = status
  const restore = record.kind === 'Volume' ? record.restore : undefined
  return {
    ...(csiName === '' ? {} : { csiName }),
    ...(incarnation === 0 ? {} : { incarnation }),
    ...(pluginID === undefined ? {} : { pluginID }),
    ...(externalID === undefined ? {} : { externalID }),
    ...(sizeBytes === undefined ? {} : { capacity: formatQuantity(BigInt(sizeBytes)) }),
    ...(claims === undefined ? {} : { claims }),
    ...(attachedNodes === undefined ? {} : { attachedNodes }),
    ...(unreadable.length === 0 ? {} : { unreadable }),
    ...(takenAtMs === undefined ? {} : { createTime: time(takenAtMs) }),
    ...(nextRunMs === undefined ? {} : { nextRun: time(nextRunMs) }),
    ...(lastRunMs === undefined ? {} : { lastRun: time(lastRunMs) }),
    ...(lastMissedRunMs === undefined ? {} : { lastMissedRun: time(lastMissedRunMs) }),
    ...(kept === undefined ? {} : { kept }),
    ...(intent === undefined
      ? {}
      : {
          unsettledCall: {
            since: time(intent.sinceMs),
            ...(intent.holder === undefined ? {} : { holder: intent.holder }),
          },
        }),
    ...(restore === undefined
      ? {}
      : {
          restoring: {
            ...restoreSource(restore),
            csiName: restore.csiName,
            ...(restore.undoneFor === undefined ? {} : { calledOff: restore.undoneFor }),
          },
        }),
    ...(lastRestore === undefined ? {} : { lastRestore: presentRestore(lastRestore) }),
    conditions: conditions.map(presentCondition),
    history: history.map(({ atMs, ...step }) => ({ time: time(atMs), ...step })),
  }
}

function presentRestore({ atMs, ...restore }: PastRestore) {
  return { ...restore, time: time(atMs) }
}

function time(ms: number): string {
  return new Date(ms).toISOString()
}

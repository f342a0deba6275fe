import { UsageError } from '../../lib/errors.ts'
import type { AllowedIDs } from '../declare/allowed-ids.ts'
import type { Declaration } from '../declare/declaration.ts'
import type { Key } from '../plan/identity.ts'
import type { ClockReading } from '../plan/now.ts'
import type { Orders } from '../plan/orders.ts'
import type { Inventory } from '../plan/ports.ts'
import type { RestoreSource, SnapshotRecord, VolumeRecord } from '../plan/record.ts'
import type { OrderOf, OrderType } from './order.ts'

/** What is known when an order is planned. All of it is in this process's memory. */
export interface Known {
  readonly inventory: Pick<Inventory, 'get' | 'list' | 'orders' | 'released'>
  /** What the sources declare, whether a pass has looked at it or not. */
  readonly declarations: ReadonlyMap<Key, Declaration>
  /** Absent: objects of Kubernetes may name no IDs of plugins. */
  readonly allowedIDs?: AllowedIDs
  /** A part of the names that are chosen. */
  readonly region: string
  /** Milliseconds since the epoch. */
  readonly nowMs: number
  readonly clock: ClockReading
}

/** A question that Nomad and the plugin have to answer before the order is taken. */
export type Question =
  | { readonly about: 'restore'; readonly record: VolumeRecord; readonly source: RestoreSource }
  | { readonly about: 'detach'; readonly record: VolumeRecord; readonly nodeID: string }

/** What an order does. */
export interface PlannedOrder {
  /** What the person is told. */
  readonly message: string
  /** The change of what is stored for the identity. Passes act by it. */
  readonly change?: { readonly key: Key; readonly by: (orders: Orders) => Orders }
  /** Snapshots to be recorded. Their own passes take them. */
  readonly snapshots?: readonly SnapshotRecord[]
  readonly question?: Question
}

/** Each decides what an order of its type does. Pure. @throws UsageError where it is refused: why, and what to do */
export type Planners = {
  readonly [Name in OrderType]: (order: OrderOf<Name>, known: Known) => PlannedOrder
}
export type Planner<Name extends OrderType> = Planners[Name]

export function refuse(why: string): never {
  throw new UsageError(why)
}

/** @throws UsageError where nothing declares the identity and nothing is managed for it */
export function assertKnown(key: Key, { inventory, declarations }: Known): void {
  if (inventory.get(key) === undefined && !declarations.has(key))
    refuse(`${key} is neither declared nor managed: mooring status lists what is`)
}

/** @throws UsageError where no pass has looked at the volume yet */
export function volumeOf(key: Key, known: Known): VolumeRecord {
  assertKnown(key, known)
  const record = known.inventory.get(key)
  if (record?.kind === 'Volume') return record
  return refuse(`the operator has not looked at ${key} yet: wait until mooring status shows it as managed`)
}

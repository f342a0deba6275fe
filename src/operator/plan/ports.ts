import type { ObjectIdentity } from '../declare/declaration.ts'
import type { SecretReference } from '../declare/secret-reference.ts'
import type { Key } from './identity.ts'
import type { Orders } from './orders.ts'
import {
  type Declared,
  declaredPart,
  type InventoryRecord,
  type ManagedPart,
  managedPart,
  type Released,
} from './record.ts'

/**
 * What Mooring manages, in parts that have one owner each. Reads are of this process's memory; a write is durable
 * when its promise resolves, and is read from then on: it is what makes an effect after it safe to repeat. Writes
 * of one key are carried out one after the other. One process holds it at a time; a write of one that no longer
 * does rejects, where the inventory is kept elsewhere.
 */
export interface Inventory extends RecordReads, DeclaredStore, ManagedStore, OrderStore, ReleasedStore {
  /** HMAC-SHA-256, hex, under a key that never leaves the inventory: compares secrets without keeping them. */
  keyedHash(text: string): string
}

/** By what records are found without looking at all of them. */
export interface RecordIndexes {
  /** `Volume`, `Snapshot` or `SnapshotSchedule`. */
  readonly kind: string
  /** The plugin that holds it. */
  readonly plugin: string
  /** The UID of the Kubernetes object that declares it. */
  readonly object: string
  /** Key of the schedule that made it. */
  readonly schedule: string
  /** Nomad namespace and metadata.name of a volume: `namespace/name`. */
  readonly volumeName: string
  /** The same of the declaration with perAlloc that it is an instance of. */
  readonly wholeName: string
  /** Nomad namespace and name of the volume that a snapshot is of. */
  readonly snapshotsOf: string
}

/** The parts of each identity that passes have looked at, in one value to read. */
export interface RecordReads {
  get(key: Key): InventoryRecord | undefined
  list(): readonly InventoryRecord[]
  /** Those that the index has under the value, in no order. */
  find(index: keyof RecordIndexes, value: string): readonly InventoryRecord[]
  /** Told of each change of a record; undefined: it is no longer managed. @returns ends it */
  onChange(listener: (key: Key, record: InventoryRecord | undefined) => void): () => void
}

/** What the readings of the sources know. Written by them; for a snapshot of a schedule, by the schedule. */
export interface DeclaredStore {
  /**
   * Takes a declaration for the last one seen. Durable at once for an identity that is managed; for any other it
   * is remembered, and written with what its first pass writes.
   */
  declare(declared: Declared): Promise<void>
  /** Forgets the declaration of an identity that no pass has written anything of. */
  undeclare(key: Key): void
}

/** What passes know: each writes of its own identity, and nothing of what readings or people wrote. */
export interface ManagedStore {
  /**
   * Resolves when the record is where no crash and no power cut can take it: so an effect may follow. With
   * `isOutcome`, of what a pass ended with, the end of the process cannot take it, and a power cut of the same moment
   * may: the pass had then not got that far. Rejects where nothing was ever declared for the identity.
   */
  put(managed: ManagedPart, options?: { readonly isOutcome?: boolean }): Promise<void>
  /** Ends the management: all parts go, and what was ordered for it. */
  delete(key: Key): Promise<void>
}

export interface OrderStore {
  /** What was ordered for the identity; empty if nothing. */
  orders(key: Key): Orders
  amendOrders(key: Key, change: (orders: Orders) => Orders): Promise<void>
}

export interface ReleasedStore {
  /** Notes what Mooring managed once and does no more; one of the same key and external ID replaces it. */
  release(released: Released): Promise<void>
  released(): readonly Released[]
}

/** Begins to manage an identity whose parts are known together: a snapshot that its schedule makes. */
export async function beginRecord(
  inventory: Pick<Inventory, 'declare' | 'put'>,
  record: InventoryRecord,
): Promise<void> {
  await Promise.all([inventory.declare(declaredPart(record)), inventory.put(managedPart(record))])
}

/** Resolves references to secrets, by the rules that keep a writer from what they may not read. */
export interface SecretResolver {
  /**
   * Values by the names that the declaration gives them.
   * @param namespace the declaration's Nomad namespace, which decides what it may read
   * @param object of Kubernetes, if it is declared by one: it reaches Secrets of its own namespace
   * @throws OperationError `waiting` with reason `SecretNotFound`, naming the reference and never a value
   */
  resolve(
    references: Readonly<Record<string, SecretReference>>,
    namespace: string,
    object?: ObjectIdentity,
  ): Promise<Readonly<Record<string, string>>>
}

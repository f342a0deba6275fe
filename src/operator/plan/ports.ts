import type { ObjectIdentity } from '../declare/declaration.ts'
import type { SecretReference } from '../declare/secret-reference.ts'
import type { Key } from './identity.ts'
import type { Orders } from './orders.ts'
import { type Declared, declaredPart, type InventoryRecord, type ManagedPart, managedPart } from './record.ts'
import type { Released } from './released.ts'

/**
 * Everything that Mooring manages, in parts with one owner each. Reads come from memory. A write is durable and visible
 * when its promise resolves, so an effect after it is safe to repeat. Writes of one key run one after the other. Only
 * one process may write; in a shared store the writes of a former leader reject.
 */
export interface Inventory extends RecordReads, DeclaredStore, ManagedStore, OrderStore, ReleasedStore {
  /** HMAC-SHA-256 as hex, under a key of the inventory. It compares secrets without storing them. */
  keyedHash(text: string): string
}

/** The fields by which records are indexed. */
export interface RecordIndexes {
  /** The kind of the declaration. */
  readonly kind: string
  /** The plugin that holds it. */
  readonly plugin: string
  /** `externalToken` of a volume. */
  readonly external: string
  /** `externalToken` of a snapshot. */
  readonly snapshot: string
  /** The UID of the Kubernetes object that declares it. */
  readonly object: string
  /** Key of the schedule that made the snapshot. */
  readonly schedule: string
  /** Nomad namespace and metadata.name of a volume: `namespace/name`. */
  readonly volumeName: string
  /** The same for the perAlloc declaration of an instance. */
  readonly wholeName: string
  /** Nomad namespace and name of a snapshot's volume. */
  readonly snapshotsOf: string
}

/** Reads the joined parts of every managed identity. */
export interface RecordReads {
  get(key: Key): InventoryRecord | undefined
  list(): readonly InventoryRecord[]
  /** How many there are. */
  size(): number
  /** The records with this value in the index, in no order. */
  find(index: keyof RecordIndexes, value: string): readonly InventoryRecord[]
  /**
   * Calls the listener for each change. `record` is undefined if it is no longer managed, and `before` if it was not until
   * now.
   * @returns unsubscribes
   */
  onChange(
    listener: (key: Key, record: InventoryRecord | undefined, before: InventoryRecord | undefined) => void,
  ): () => void
}

/** What readings of the sources know. Only they write it, and schedules for their snapshots. */
export interface DeclaredStore {
  /** Sets the declaration last seen. Before the first pass of an identity, it is only held in memory. */
  declare(declared: Declared): Promise<void>
  /** Forgets the declaration of an identity that is not managed yet. */
  undeclare(key: Key): void
}

/** What passes know. A pass writes only its own identity, and nothing that readings or people wrote. */
export interface ManagedStore {
  /**
   * Resolves when the record survives a crash and a power cut, so an effect may follow. With `isOutcome`, for the result
   * of a pass, it survives a crash; a power cut at that moment may lose it, and the pass then runs again. Rejects if the
   * identity was never declared.
   */
  put(managed: ManagedPart, options?: { readonly isOutcome?: boolean }): Promise<void>
  /** Ends the management: removes all parts and orders. */
  delete(key: Key): Promise<void>
}

export interface OrderStore {
  /** Orders for the identity; empty if there are none. */
  orders(key: Key): Orders
  amendOrders(key: Key, change: (orders: Orders) => Orders): Promise<void>
}

export interface ReleasedStore {
  /** Records what Mooring no longer manages. An entry of the same key and external ID is replaced. */
  release(released: Released): Promise<void>
  released(): readonly Released[]
  /** The entries of this key or external ID. */
  findReleased(field: 'key' | 'externalID', value: string): readonly Released[]
}

/** Begins to manage a snapshot that its schedule makes: stores all parts together. */
export async function beginRecord(
  inventory: Pick<Inventory, 'declare' | 'put'>,
  record: InventoryRecord,
): Promise<void> {
  await Promise.all([inventory.declare(declaredPart(record)), inventory.put(managedPart(record))])
}

/** Resolves references to secrets. Access rules limit what a declaration may read. */
export interface SecretResolver {
  /**
   * Returns the values under the names that the declaration gives them.
   * @param namespace the declaration's Nomad namespace, which decides what it may read
   * @param object the declaring Kubernetes object, if any: it may read Secrets of its own namespace
   * @throws OperationError `waiting` with reason `SecretNotFound`; it names the reference, never a value
   */
  resolve(
    references: Readonly<Record<string, SecretReference>>,
    namespace: string,
    object?: ObjectIdentity,
  ): Promise<Readonly<Record<string, string>>>
}

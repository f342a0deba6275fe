import type { ObjectIdentity } from '../declare/declaration.ts'
import type { SecretReference } from '../declare/secret-reference.ts'
import type { Key } from './identity.ts'
import type { Orders } from './orders.ts'
import type { InventoryRecord, Released } from './record.ts'

/**
 * What Mooring manages. Reads are of this process's memory; a write is durable when its promise resolves,
 * and is read from then on: it is what makes an effect after it safe to repeat. Writes of one key are
 * carried out one after the other. One process holds it at a time; a write of one that no longer does
 * rejects, where the inventory is kept elsewhere.
 */
export interface Inventory {
  get(key: Key): InventoryRecord | undefined
  list(): readonly InventoryRecord[]
  /**
   * Resolves when the record is where no crash and no power cut can take it: so an effect may follow. With
   * `isOutcome`, of what a pass ended with, the end of the process cannot take it, and a power cut of the same moment
   * may: the pass had then not got that far.
   */
  put(record: InventoryRecord, options?: { readonly isOutcome?: boolean }): Promise<void>
  /** Changes a record outside of its own pass, which may be writing it: `change` is given what was written last. Nothing where the key is not managed. */
  amend(key: Key, change: (record: InventoryRecord) => InventoryRecord): Promise<void>
  /** Ends the management, and what was ordered for it. */
  delete(key: Key): Promise<void>
  /** Notes what Mooring managed once and does no more; one of the same key and external ID replaces it. */
  release(released: Released): Promise<void>
  released(): readonly Released[]
  /** What a person ordered for the identity by a command; empty if nothing. Passes write records whole, so it is kept apart. */
  orders(key: Key): Orders
  amendOrders(key: Key, change: (orders: Orders) => Orders): Promise<void>
  /** HMAC-SHA-256, hex, under a key that never leaves the inventory: compares secrets without keeping them. */
  keyedHash(text: string): string
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

import type { InventoryContents } from '../inventory/memory-inventory.ts'
import type { Order } from '../orders/order.ts'
import type { Orphans } from '../plan/orphans.ts'
import type { ManagedObject } from './managed-object.ts'
import type { Row } from './row.ts'

/** What a running operator works with. Secrets are no part of it. */
export interface OperatorInfo {
  readonly version: string
  readonly processID: number
  readonly sources: readonly string[]
  readonly nomadAddr: string
  readonly nomadRegion?: string
  readonly readOnly: boolean
  /** Where replicas share an inventory: this one, and who leads, as it was last seen. */
  readonly replica?: { readonly identity: string; readonly leads: boolean; readonly leader?: string }
}

export interface StatusReport {
  /** Differs from every earlier one of this operator whenever rows may have changed. */
  readonly version: number
  readonly rows: readonly Row[]
}

/** What commands ask of an operator, and order it to do. */
export interface Admin {
  info(): Promise<OperatorInfo>
  /** @param after waits until the version is another one, or half a minute has passed */
  status(after?: number): Promise<StatusReport>
  /** Every declaration and every identity that is still managed, in the order of their keys. */
  objects(): Promise<readonly ManagedObject[]>
  inventory(): Promise<InventoryContents>
  /** Of the inventory's keyed hashes, base64: a plan beside the operator compares secrets by it. */
  hashKey(): Promise<string>
  orphans(): Promise<Orphans>
  /** Takes what a person orders. @returns what to tell them @throws UsageError where it is refused */
  order(order: Order): Promise<string>
  /** Reads the sources and looks at every identity now; resolves when nothing is left to do at once. */
  reconcile(): Promise<void>
}

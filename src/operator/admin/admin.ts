import type { InventoryContents } from '../inventory/memory-inventory.ts'
import type { Order } from '../orders/order.ts'
import type { OrderGiver } from '../plan/orders.ts'
import type { Orphans } from '../plan/orphans.ts'
import type { ManagedObject } from './managed-object.ts'
import type { Row } from './row.ts'

/** Names the release that answers. Shapes may differ between releases, so a client takes answers of its own only. */
export const versionHeader = 'mooring-version'

/** Names the user of the process that gives an order, URI-encoded. */
export const userHeader = 'mooring-user'

/** What a running operator works with. Holds no secret. */
export interface OperatorInfo {
  readonly version: string
  readonly processID: number
  readonly sources: readonly string[]
  readonly nomadAddr: string
  readonly nomadRegion?: string
  readonly readOnly: boolean
  /** Where replicas share an inventory: which one answers, and which one was last seen to lead. */
  readonly replica?: { readonly identity: string; readonly leads: boolean; readonly leader?: string }
}

export interface StatusReport {
  /** Changes whenever rows may have changed. No earlier number comes again. */
  readonly version: number
  readonly rows: readonly Row[]
}

/** What commands ask of an operator, and order it to do. */
export interface Admin {
  info(): Promise<OperatorInfo>
  /** @param after a version: waits until there is another one, at most half a minute */
  status(after?: number): Promise<StatusReport>
  /** Every declaration, and everything that is still managed, in the order of their keys. */
  objects(): Promise<readonly ManagedObject[]>
  inventory(): Promise<InventoryContents>
  /** The key of the inventory's hashes, base64: `mooring plan` compares secrets by it. */
  hashKey(): Promise<string>
  orphans(): Promise<Orphans>
  /** Takes what a person orders. @param by who gives it, as far as that is known @returns what to tell them @throws UsageError where it is refused */
  order(order: Order, by?: OrderGiver): Promise<string>
  /** Reads the sources and looks at everything now. Resolves when nothing is left to do at once. */
  reconcile(): Promise<void>
}

import type { InventoryContents } from '../inventory/memory-inventory.ts'
import type { Key } from '../plan/identity.ts'
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

/**
 * What commands ask of an operator, and order it to do. Methods reject with a UsageError where the order
 * makes no sense; its message is for the person who gave it.
 */
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
  /** Nothing is done for the identity from the next pass on. @returns what to tell the person */
  suspend(key: Key): Promise<string>
  resume(key: Key): Promise<string>
  /** A new external volume may take the place of the lost one. */
  recreate(key: Key, lostExternalID: string): Promise<string>
  /**
   * A volume made from the snapshot is to take the place of the one there is.
   * @param snapshot the name of a declared or scheduled one, else an ID of the plugin
   */
  restore(key: Key, snapshot: string): Promise<string>
  /** An external volume that a restore replaced is to take the place of the one there is. */
  restoreReplaced(key: Key, externalID: string): Promise<string>
  /** Calls off the restore that is ordered or under way. */
  undoRestore(key: Key): Promise<string>
  /**
   * A run of a schedule now, counted by its retention.
   * @param target `namespace/name` of a schedule, or of a volume that one schedule selects
   * @param volume `namespace/ID`: of the schedule's volumes this one alone
   */
  snapshotNow(target: string, volume?: string): Promise<string>
  /** Retention leaves the snapshot of a schedule alone. */
  keepSnapshot(key: Key): Promise<string>
  releaseSnapshot(key: Key): Promise<string>
  /** A person's word that nothing on the node writes to the volume. @param node its ID, or the beginning of it */
  detach(key: Key, node: string): Promise<string>
  /** Reads the sources and looks at every identity now; resolves when nothing is left to do at once. */
  reconcile(): Promise<void>
}

import type { Plugin } from '../../../wire/plugin.ts'
import type { Volume } from '../../../wire/volume.ts'
import type { Declaration, Problem } from '../../declare/declaration.ts'
import type { Absence } from '../../desired/absence.ts'
import type { Refusal } from '../../desired/ownership.ts'
import type { Order } from '../../orders/order.ts'
import type { Known } from '../../orders/planner.ts'
import type { Key } from '../../plan/identity.ts'
import type { OrderGiver } from '../../plan/orders.ts'
import type { Orphans } from '../../plan/orphans.ts'
import type { RecordReads } from '../../plan/ports.ts'
import type { ActivityLog } from './activity-log.ts'

/** What may have changed in a cluster. */
export interface ViewChange {
  /** undefined: any of them. */
  readonly keys: readonly Key[] | undefined
  readonly topics: readonly ('objects' | 'sources' | 'activity' | 'plugins')[]
}

/** A source after its latest reading. */
export interface SourceShown {
  readonly name: string
  readonly last?: { readonly declarations: number; readonly problems: number; readonly isComplete: boolean }
  readonly lastCompleteMs?: number
  readonly commit?: string
}

/** What pages read of the operator of one Nomad cluster. Reads are from memory, except where they return a promise. */
export interface ClusterView {
  /** The name of a NomadCluster; undefined: the Nomad of the operator's own settings. */
  readonly cluster?: string
  readonly nomadAddr: string
  readonly nomadRegion?: string
  readonly records: Pick<RecordReads, 'get' | 'list' | 'find'>
  declaration(key: Key): Declaration | undefined
  declarations(): ReadonlyMap<Key, Declaration>
  absence(key: Key): Absence | undefined
  refusals(): readonly Refusal[]
  problems(): readonly Problem[]
  warnings(): readonly Problem[]
  sources(): readonly SourceShown[]
  /** What orders are planned by. */
  known(): Known
  order(order: Order, by: OrderGiver): Promise<string>
  /** Nomad's volume; undefined: there is none. Rejects where Nomad does not answer. */
  readVolume(namespace: string, volumeID: string): Promise<Volume | undefined>
  readPlugin(pluginID: string): Promise<Plugin | undefined>
  findOrphans(): Promise<Orphans>
  readonly activity: ActivityLog
  /** @returns unsubscribes */
  onChange(listener: (change: ViewChange) => void): () => void
}

import type { DirectPlugins } from '../../csi/direct-plugins.ts'
import type { Around } from '../../lib/around.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Observer, VolumesApi } from '../../nomad/ports.ts'
import type { Desired } from '../desired/desired.ts'
import type { Decision, StepName } from '../plan/decision.ts'
import type { Key } from '../plan/identity.ts'
import type { Inventory, SecretResolver } from '../plan/ports.ts'
import type { SnapshotRecord } from '../plan/record.ts'

/** What looking around takes. */
export interface GatherContext {
  readonly observer: Observer
  /** Absent where none is reached but by way of Nomad. */
  readonly plugins?: DirectPlugins
  readonly inventory: Pick<Inventory, 'get' | 'list' | 'find' | 'orders' | 'released' | 'keyedHash'>
  readonly secrets: SecretResolver
  readonly desired: Desired
  readonly clock: Clock
  readonly log: Log
  readonly region: string
  /** Calls sent before this have ended: the server that would run them has started since. */
  readonly settledBeforeMs: number
}

/** What a step takes beside. Its own record is stored for it: it cannot write one. */
export interface StepContext extends GatherContext {
  readonly api: VolumesApi
  readonly inventory: GatherContext['inventory'] & Pick<Inventory, 'amendOrders' | 'release'>
  /** Begins to manage what a schedule makes. */
  readonly begin: (record: SnapshotRecord) => Promise<void>
  /** How long the other side may go on with a call after we stopped hearing from it. */
  readonly callDeadlineMs: number
  /** Of this process among replicas; absent where there are none. */
  readonly holder?: string
  /** Asks for a pass over another identity. */
  readonly wake: (key: Key) => void
}

/** What every pass works with. */
export interface ReconcileContext extends Omit<StepContext, 'inventory' | 'begin'> {
  readonly inventory: Inventory
  /**
   * Set: passes decide and do not act, and tell of each step that they would take. The inventory of such
   * a context is one that nobody keeps.
   */
  readonly onPlanned?: (key: Key, decision: Decision) => void
  /** Called when the status of an identity changed, or it is no longer managed. */
  readonly onStatus: (key: Key) => void
  /** Goes around each step. */
  readonly aroundStep?: Around<StepSubject>
}

export interface StepSubject {
  readonly key: Key
  readonly step: StepName
  /** As a person reads it. */
  readonly why: string
}

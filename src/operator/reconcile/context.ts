import type { DirectPlugins } from '../../csi/direct-plugins.ts'
import type { Around } from '../../lib/around.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Observer, VolumesApi } from '../../nomad/ports.ts'
import type { AllowedIDs } from '../declare/allowed-ids.ts'
import type { Desired } from '../desired/desired.ts'
import type { Decision, StepName } from '../plan/decision.ts'
import type { Key } from '../plan/identity.ts'
import type { Now } from '../plan/now.ts'
import type { Inventory, SecretResolver } from '../plan/ports.ts'
import type { SnapshotRecord } from '../plan/record.ts'

/** What `gather` uses. */
export interface GatherContext {
  readonly observer: Observer
  /** Plugins that Mooring reaches directly. Absent if it reaches all through Nomad. */
  readonly plugins?: DirectPlugins
  readonly inventory: Pick<
    Inventory,
    'get' | 'list' | 'find' | 'orders' | 'released' | 'findReleased' | 'keyedHash'
  >
  readonly secrets: SecretResolver
  readonly desired: Desired
  readonly clock: Clock
  readonly log: Log
  readonly region: string
  /** Absent: objects of Kubernetes may name no IDs of plugins. */
  readonly allowedIDs?: AllowedIDs
  /** The time for decisions. */
  readonly time: () => Now
  /** Calls sent before this monotonic time have ended, because their server has restarted since. */
  readonly callsEndedBeforeMs: number | undefined
}

/** What a step uses. It cannot store its record: the pass does. */
export interface StepContext extends GatherContext {
  readonly api: VolumesApi
  readonly inventory: GatherContext['inventory'] & Pick<Inventory, 'amendOrders' | 'release'>
  /** Begins to manage a snapshot that a schedule makes. */
  readonly begin: (record: SnapshotRecord) => Promise<void>
  /** Name of this replica; absent without replicas. */
  readonly holder?: string
  /** Starts a pass over another identity. */
  readonly wake: (key: Key) => void
}

/** What a pass uses. */
export interface ReconcileContext extends Omit<StepContext, 'inventory' | 'begin'> {
  readonly inventory: Inventory
  /** If set, passes only decide, and report each step here instead of taking it. Use it with a memory inventory. */
  readonly onPlanned?: (key: Key, decision: Decision) => void
  /** Called when the status of an identity has changed, or it is no longer managed. */
  readonly onStatus: (key: Key) => void
  /** Wraps each step. */
  readonly aroundStep?: Around<StepSubject>
}

export interface StepSubject {
  readonly key: Key
  readonly step: StepName
  readonly why: string
}

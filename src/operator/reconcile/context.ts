import type { DirectPlugins } from '../../csi/direct-plugins.ts'
import type { Around } from '../../lib/around.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Observer, VolumesApi } from '../../nomad/ports.ts'
import type { Desired } from '../desired/desired.ts'
import type { Decision, StepName } from '../plan/decision.ts'
import type { Key } from '../plan/identity.ts'
import type { Inventory, SecretResolver } from '../plan/ports.ts'

/** What every pass works with. */
export interface ReconcileContext {
  readonly api: VolumesApi
  readonly observer: Observer
  /** Absent where none is reached but by way of Nomad. */
  readonly plugins?: DirectPlugins
  readonly inventory: Inventory
  readonly secrets: SecretResolver
  readonly desired: Desired
  readonly clock: Clock
  readonly log: Log
  readonly region: string
  /** How long the other side may go on with a call after we stopped hearing from it. */
  readonly callDeadlineMs: number
  /** Calls sent before this have ended: the server that would run them has started since. */
  readonly settledBeforeMs: number
  /** Of this process among replicas; absent where there are none. */
  readonly holder?: string
  /** Asks for a pass over another identity. */
  readonly wake: (key: Key) => void
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

import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { BackgroundTasks } from './background-tasks.ts'
import type { CapacityLedger, Holder } from './capacity-ledger.ts'
import type { CopyView } from './copy-view.ts'
import type { FileOperations } from './file-operations.ts'
import type { OperationLocks } from './operation-locks.ts'
import type { Pool } from './pool.ts'
import type { PublishMethod } from './publish-target.ts'
import type { Quota } from './quota.ts'
import type { Trash } from './trash.ts'

/** What may be half done. */
export type Faulty = Holder | `group:${string}`

/** What the handlers of one running driver share. */
export interface DriverContext {
  readonly pool: Pool
  /** By which alone the disk is changed. */
  readonly files: FileOperations
  readonly ledger: CapacityLedger
  readonly locks: OperationLocks
  readonly tasks: BackgroundTasks
  readonly trash: Trash
  /** What could not be brought to its end yet, and why. It is tried again in the background. */
  readonly faults: Map<Faulty, string>
  readonly clock: Clock
  readonly log: Log
  /** The ID of the one node, this machine. */
  readonly nodeID: string
  /** Segments that every volume and the node have. Empty: no topology is announced. */
  readonly topology: Readonly<Record<string, string>>
  /** Name of the pool's file system, such as `ext4`. */
  readonly fsType: string
  readonly hasLoopDevices: boolean
  /** Whether directories are held to their capacity. */
  readonly quota: Quota
  /** In which copies are made, so that they stay inside of what they copy. */
  readonly copyView: CopyView
  /** How volumes appear at their target paths. A link cannot enforce anything. */
  readonly publishMethod: PublishMethod
  /** How long CreateSnapshot waits for its copy before it answers `ready_to_use: false`. */
  readonly snapshotWaitMs: number
}

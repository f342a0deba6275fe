import type { Clock } from '../lib/clock.ts'
import type { InTurn } from '../lib/in-turn.ts'
import type { Log } from '../lib/log.ts'
import type { MountPoints } from './claims/mount-points.ts'
import type { HostVolumePlugins } from './host-volumes/plugins.ts'
import type { NodeIdentity } from './node/node-identity.ts'
import type { PluginRegistry } from './plugins/registry.ts'
import type { State } from './state/state.ts'

/** What a definition that is there already gets: 409 as the public page says, or 200 as from Nomad. */
export type Registration = 'page' | 'nomad'

/** What the operations of the server work on. */
export interface ServerContext {
  readonly state: State
  readonly plugins: PluginRegistry
  readonly node: NodeIdentity
  readonly dataDirectory: string
  readonly registration: Registration
  readonly mounts: MountPoints
  readonly hostVolumes: HostVolumePlugins
  /** An ID that nothing else has. */
  readonly newID: () => string
  /** At most one operation changes a volume at a time; holdVolumes takes it. */
  readonly lock: InTurn
  readonly aclEnabled: boolean
  readonly log: Log
  readonly clock: Clock
}

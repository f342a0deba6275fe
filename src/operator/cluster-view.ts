import type { NomadConnection } from '../nomad/connection.ts'
import type { NomadObserver } from '../nomad/observer.ts'
import type { Admin } from './admin/admin.ts'
import type { ActivityLog } from './admin/pages/activity-log.ts'
import type { ClusterView, ViewChange } from './admin/pages/cluster-view.ts'
import type { ControlLoop } from './control-loop.ts'
import type { Known } from './orders/planner.ts'
import type { Inventory } from './plan/ports.ts'

/** What pages show of a running operator. */
export function createClusterView(options: {
  readonly cluster: string | undefined
  readonly nomad: Pick<NomadConnection, 'nomadAddr' | 'nomadRegion'>
  readonly inventory: Inventory
  readonly loop: ControlLoop
  readonly observer: Pick<NomadObserver, 'volume' | 'plugin' | 'onChange'>
  readonly admin: Pick<Admin, 'order' | 'orphans'>
  readonly activity: ActivityLog
  readonly known: () => Known
}): ClusterView {
  const { cluster, inventory, loop, observer, admin, activity } = options
  const { nomadAddr, nomadRegion } = options.nomad
  const { desired } = loop
  return {
    ...(cluster === undefined ? {} : { cluster }),
    nomadAddr,
    ...(nomadRegion === undefined ? {} : { nomadRegion }),
    records: inventory,
    ...desired,
    problems: loop.problems,
    warnings: loop.warnings,
    sources: loop.sources,
    known: options.known,
    order: admin.order,
    readVolume: observer.volume,
    readPlugin: observer.plugin,
    findOrphans: admin.orphans,
    activity,
    onChange(listener: (change: ViewChange) => void) {
      const stops = [
        inventory.onChange((key) => listener({ keys: [key], topics: ['objects'] })),
        loop.onChange(({ keys, isReading }) =>
          listener({
            keys,
            topics: [
              ...(keys.length > 0 ? (['objects'] as const) : []),
              ...(isReading ? (['sources'] as const) : []),
            ],
          }),
        ),
        activity.onChange((key) => listener({ keys: [key], topics: ['activity'] })),
        observer.onChange((change) => {
          if (change.type === 'plugin') listener({ keys: [], topics: ['plugins'] })
        }),
      ]
      return () => {
        for (const stop of stops) stop()
      }
    },
  }
}

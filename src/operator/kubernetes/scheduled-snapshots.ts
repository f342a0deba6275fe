import { isAlreadyExists, isNamespaceGone, type KubernetesApi } from '../../kube/api.ts'
import { apiVersionOf, snapshots } from '../../kube/resources.ts'
import type { Clock } from '../../lib/clock.ts'
import { errorMessage } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import type { Inventory } from '../plan/ports.ts'
import { declaredPart, type InventoryRecord, type SnapshotRecord } from '../plan/record.ts'
import { keyAnnotation, type ObjectView, scheduleLabel } from './object-view.ts'
import { addressOf, type ObjectWriter } from './object-writer.ts'
import { nameOfScheduledSnapshot, specOfScheduledSnapshot } from './scheduled-snapshot.ts'

/**
 * The Snapshot objects for snapshots that schedules made. They only show what the inventory records. An object is made once
 * for each record. If a person deletes it, that is an order to release the snapshot.
 */
export interface ScheduledSnapshots {
  /** Makes the object, if the snapshot has none. */
  ensure(record: SnapshotRecord): Promise<void>
  /** Deletes an object whose snapshot is no longer recorded. */
  remove(view: ObjectView): Promise<void>
  /** Releases each snapshot whose object a person has deleted. Never rejects. @param views all objects of a complete reading */
  follow(views: readonly ObjectView[]): Promise<void>
}

export function createScheduledSnapshots(options: {
  readonly api: Pick<KubernetesApi, 'create' | 'get' | 'delete'>
  readonly writer: ObjectWriter
  readonly inventory: Pick<Inventory, 'find' | 'declare' | 'amendOrders'>
  readonly wake: (key: string) => void
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
}): ScheduledSnapshots {
  const { api, writer, inventory, wake, clock, log } = options

  return {
    async ensure(record) {
      const { namespace } = record.declaration.place.object ?? {}
      if (record.schedule === undefined || namespace === undefined) return
      if (record.schedule.objectUID !== undefined || record.schedule.isExpired) return
      const name = nameOfScheduledSnapshot(record.key)
      const setUID = async (objectUID: string | undefined) => {
        const { schedule, ...declared } = declaredPart(record)
        if (schedule === undefined || objectUID === undefined) return
        await inventory.declare({ ...declared, schedule: { ...schedule, objectUID } })
      }
      try {
        const made = await api.create(snapshots, {
          apiVersion: apiVersionOf(snapshots),
          kind: snapshots.kind,
          metadata: {
            name,
            namespace,
            labels: { [scheduleLabel]: labelOf(record) },
            annotations: { [keyAnnotation]: record.key },
          },
          spec: specOfScheduledSnapshot(record),
        })
        await setUID(made.metadata.uid)
      } catch (error) {
        if (isAlreadyExists(error)) {
          const found = await api.get(snapshots, { namespace, name })
          if (found?.metadata.annotations?.[keyAnnotation] === record.key) await setUID(found.metadata.uid)
          return
        }
        // Nothing can be made in that namespace any more. The snapshot itself stays.
        if (isNamespaceGone(error)) return
        throw error
      }
    },
    async remove({ object }) {
      const found = writer.current(object)
      if (found === undefined) return
      await writer.removeFinalizer(found)
      const { uid } = found.metadata
      await api.delete(snapshots, addressOf(found), uid === undefined ? {} : { uid })
    },
    async follow(views) {
      const seen = new Set(views.map(({ object }) => object.metadata.uid))
      for (const record of inventory.find('kind', 'Snapshot')) {
        if (!isShown(record) || seen.has(record.schedule.objectUID)) continue
        try {
          await releaseIfDeleted(record)
        } catch (error) {
          log.warn(
            { key: record.key, error: errorMessage(error) },
            'the object of a snapshot cannot be read; it is tried again after the next reading',
          )
        }
      }
    },
  }

  async function releaseIfDeleted(record: SnapshotRecord & { readonly schedule: Schedule }) {
    const { namespace } = record.declaration.place.object ?? {}
    if (namespace === undefined || record.schedule.isExpired) return
    // A new object may not have arrived by the watch yet.
    const found = await api.get(snapshots, { namespace, name: nameOfScheduledSnapshot(record.key) })
    if (found?.metadata.uid === record.schedule.objectUID) return
    log.info(
      { key: record.key },
      "a schedule's snapshot is no longer managed, because its object was deleted; the snapshot itself stays",
    )
    const expiry = { policy: 'Retain', atMs: clock.now() } as const
    await inventory.amendOrders(record.key, (orders) => ({ ...orders, expiry }))
    wake(record.key)
  }
}

type Schedule = NonNullable<SnapshotRecord['schedule']>

function isShown(record: InventoryRecord): record is SnapshotRecord & { readonly schedule: Schedule } {
  return record.kind === 'Snapshot' && record.schedule?.objectUID !== undefined
}

/** The value of a label may have 63 characters, and a name more. */
function labelOf({ declaration }: SnapshotRecord): string {
  return (declaration.labels[scheduleLabel] ?? '').slice(0, 63).replace(/[^A-Za-z0-9]+$/, '')
}

import type { Around } from '../../lib/around.ts'
import type { Key } from '../plan/identity.ts'
import type { InventoryRecord } from '../plan/record.ts'
import { kindOf, nameOf } from './key-parts.ts'
import type { Notification } from './notification.ts'

/** What happened, without the fields that are added for sending. */
export type Happening = Pick<Notification, 'event' | 'object' | 'reason' | 'message'>

/**
 * Finds what a person should know. What was stalled before this process began is reported only when its reason changes, or
 * when it is resolved. While work on it goes on, it is neither resolved nor stalled again.
 */
export function watchNotable(options: {
  readonly records: () => readonly InventoryRecord[]
  readonly record: (key: Key) => InventoryRecord | undefined
  readonly tell: (happening: Happening) => void
  /** The name of a NomadCluster; absent for the cluster of the process's own settings. */
  readonly cluster?: string
}): {
  readonly onStatus: (key: Key) => void
  readonly aroundStep: Around<{ readonly key: Key; readonly step: string; readonly why: string }>
} {
  const { record, tell, cluster } = options
  const objectOf = <Kind extends string>(kind: Kind, key: Key) => ({
    kind,
    ...nameOf(key, 'name'),
    ...(cluster === undefined ? {} : { cluster }),
  })
  const toldReasons = new Map<Key, string>()
  for (const known of options.records()) {
    const stalled = stalledCondition(known)
    if (stalled !== undefined) toldReasons.set(known.key, stalled.reason)
  }
  return {
    onStatus(key) {
      const found = record(key)
      const stalled = found && stalledCondition(found)
      const before = toldReasons.get(key)
      if (found !== undefined && stalled !== undefined) {
        const { reason, message } = stalled
        if (before === reason) return
        toldReasons.set(key, reason)
        tell({ event: 'Stalled', object: objectOf(found.kind, key), reason, message })
        return
      }
      if (before === undefined || (found !== undefined && isReconciling(found))) return
      toldReasons.delete(key)
      const [ready] = found?.status.conditions ?? []
      const message = ready === undefined ? 'it is no longer managed' : `${ready.reason}: ${ready.message}`
      tell({
        event: 'Resolved',
        object: objectOf(kindOf(key) as InventoryRecord['kind'], key),
        reason: before,
        message,
      })
    },
    async aroundStep({ key, step, why }, run) {
      const result = await run()
      if (step === 'miss-run') {
        const object = objectOf('SnapshotSchedule', key)
        tell({ event: 'SnapshotRunMissed', object, reason: 'RunMissed', message: why })
      }
      return result
    },
  }
}

function stalledCondition({ status }: InventoryRecord) {
  return status.conditions.find((condition) => condition.type === 'Stalled' && condition.status === 'True')
}

function isReconciling({ status }: InventoryRecord): boolean {
  return status.conditions.some(({ type, status }) => type === 'Reconciling' && status === 'True')
}
